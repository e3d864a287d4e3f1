// The older form of the protocol, with one connection to publish and one to subscribe (/rtc).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertPictureAdvances, assertToneIsHeard } from './harness/checks.js';
import { joinRoom, viewOf } from './harness/livekit.js';
import { eventually } from './harness/process.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

test('two connections: seen and heard, whoever came first, and the socket may break', async () => {
  const conference = world.newConference();
  const dual = { room: { singlePeerConnection: false } };
  const alice = await joinRoom(world, { conference, identity: 'alice', ...dual });
  assert.equal(await alice.mode(), 'subscriber-primary');
  const bob = await joinRoom(world, { conference, identity: 'bob', browser: world.watching, ...dual });
  await alice.publishCamera();
  await alice.publishMicrophone();
  await bob.firstFrameMs('alice');
  await assertPictureAdvances(viewOf(bob, 'alice'), { seconds: 2 });
  await assertToneIsHeard(viewOf(bob, 'alice'));

  const carol = await joinRoom(world, { conference, identity: 'carol', browser: world.watching });
  assert.equal(await carol.mode(), 'publisher-only', 'both forms meet');
  await carol.firstFrameMs('alice');
  await assertPictureAdvances(viewOf(carol, 'alice'), { seconds: 2 });

  await bob.run('room.simulateScenario("signal-reconnect")');
  await eventually('bob is back', async () => (await bob.events('reconnected')).length > 0, 15);
  await assertPictureAdvances(viewOf(bob, 'alice'), { seconds: 2 });

  await alice.run('room.localParticipant.unpublishTrack(room.localParticipant.getTrackPublication("camera").track)');
  await eventually('the camera is gone', async () => !(await bob.subscribed()).includes('alice camera'), 10);
  await alice.publishCamera();
  await bob.firstFrameMs('alice');
  await assertPictureAdvances(viewOf(bob, 'alice'), { seconds: 2 });
  for (const participant of [alice, bob, carol]) await participant.stop();
});
