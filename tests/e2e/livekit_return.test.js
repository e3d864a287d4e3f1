// Coming back, by livekit-client in two browsers: the socket breaks, everything breaks, somebody else comes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { joinRoom } from './harness/livekit.js';
import { assertSeesPicture, happened, meet } from './harness/livekit_meeting_of_two.js';
import { eventually } from './harness/process.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

test('the socket breaks and the session goes on', async (t) => {
  const { alice, bob } = await meet(world);
  const sid = await bob.sid();
  await bob.run('room.simulateScenario("signal-reconnect")');
  await happened(bob, 'reconnected');
  assert.equal(await bob.sid(), sid, 'the same participant');
  await assertSeesPicture(bob, 'alice');
  assert.equal((await alice.events('participantDisconnected')).length, 0, 'nobody saw him go');
  await alice.run('room.simulateScenario("signal-reconnect")');
  await happened(alice, 'reconnected');
  await assertSeesPicture(bob, 'alice');
  await alice.stop();
  await bob.stop();
});

test('a full reconnect brings everything back', async () => {
  const { alice, bob } = await meet(world);
  await bob.run('room.simulateScenario("full-reconnect")');
  await happened(bob, 'reconnected');
  await eventually('bob sees alice again', async () => (await bob.run('[...room.remoteParticipants.values()][0]?.getTrackPublication("camera")?.isSubscribed ?? false')), 10);
  await assertSeesPicture(bob, 'alice');
  await alice.run('room.simulateScenario("leave-full-reconnect")');
  await happened(alice, 'reconnected');
  await eventually('bob sees the new alice', async () => (await bob.run('[...room.remoteParticipants.values()][0]?.getTrackPublication("camera")?.isSubscribed ?? false')), 15);
  await assertSeesPicture(bob, 'alice');
  await alice.stop();
  await bob.stop();
});

test('the same identity again ends the first', async () => {
  const { conference, alice, bob } = await meet(world);
  const other = await joinRoom(world, { conference, identity: 'alice', browser: world.watching });
  await happened(alice, 'disconnected', '2');
  await eventually('bob has one alice', async () => (await bob.participants()).join() === 'alice', 5);
  await other.stop();
  await bob.stop();
});
