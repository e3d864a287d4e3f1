// More than one picture: a shared screen next to a camera, two who publish, and one who comes late.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertPictureAdvances, assertToneIsHeard } from './harness/checks.js';
import { joinRoom, viewOf } from './harness/livekit.js';
import { eventually } from './harness/process.js';
import { World } from './harness/world.js';

let world;
let second; // publishes as well
before(async () => {
  world = await World.open();
  second = await world.launchPublisher();
});
after(async () => {
  await second?.close();
  await world?.close();
});

async function assertSees(participant, identity) {
  await participant.firstFrameMs(identity);
  await assertPictureAdvances(viewOf(participant, identity), { seconds: 3, pace: 0.3 });
  await assertToneIsHeard(viewOf(participant, identity));
}

async function assertSeesScreen(participant, identity) {
  await participant.firstFrameMs(identity, 'screen_share');
  await assertPictureAdvances({ look: (seconds) => participant.look(seconds, identity, 'screen_share') }, { seconds: 3, pace: 0.1 });
}

async function joinAndPublish(conference, identity, browser) {
  const participant = await joinRoom(world, { conference, identity, browser });
  await participant.publishCamera();
  await participant.publishMicrophone();
  return participant;
}

test('two publish, one of them a screen too, and one comes late', async () => {
  const conference = world.newConference();
  const alice = await joinAndPublish(conference, 'alice', world.publishing);
  const bob = await joinAndPublish(conference, 'bob', second);
  await assertSees(alice, 'bob');
  await assertSees(bob, 'alice');
  await alice.publishEnlarged(640, { source: 'screen_share', simulcast: false });
  await assertSeesScreen(bob, 'alice');
  await assertSees(bob, 'alice');
  const carol = await joinRoom(world, { conference, identity: 'carol', browser: world.watching });
  await eventually('carol gets all', async () => (await carol.subscribed()).length === 5, 10);
  await assertSees(carol, 'alice');
  await assertSees(carol, 'bob');
  await assertSeesScreen(carol, 'alice');
  assert.deepEqual(await carol.size('alice', 'screen_share'), [640, 360]);
  await alice.run('room.localParticipant.unpublishTrack(room.localParticipant.getTrackPublication("screen_share").track)');
  for (const viewer of [bob, carol]) {
    await eventually('the screen is gone', async () => !(await viewer.subscribed()).includes('alice screen_share'), 10);
    await assertSees(viewer, 'alice');
  }
  for (const participant of [carol, bob, alice]) await participant.stop();
});
