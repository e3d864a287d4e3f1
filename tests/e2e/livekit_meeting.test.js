// What people do in a meeting, by livekit-client in two browsers: mute, stop, come back, share; and the other
// doors.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertPictureAdvances, assertToneIsHeard } from './harness/checks.js';
import { joinRoom, viewOf } from './harness/livekit.js';
import { eventually } from './harness/process.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

// Alice with camera and microphone, and bob who sees her.
async function meet(options = {}) {
  const conference = world.newConference();
  const alice = await joinRoom(world, { conference, identity: 'alice' });
  await alice.publishCamera();
  await alice.publishMicrophone();
  const bob = await joinRoom(world, { conference, identity: 'bob', browser: world.watching, ...options });
  await bob.firstFrameMs('alice');
  return { conference, alice, bob };
}

async function assertSees(participant, identity) {
  await participant.firstFrameMs(identity);
  await assertPictureAdvances(viewOf(participant, identity), { seconds: 2 });
}

const happened = (participant, name, text) =>
  eventually(`${name} ${text ?? ''}`, async () => (await participant.events(name)).some((event) => !text || event.text.includes(text)), 10);

test('mute and unmute are told', async () => {
  const { alice, bob } = await meet();
  await alice.run('room.localParticipant.setMicrophoneEnabled(false)');
  await happened(bob, 'trackMuted');
  await alice.run('room.localParticipant.setMicrophoneEnabled(true)');
  await happened(bob, 'trackUnmuted');
  await assertToneIsHeard(viewOf(bob, 'alice'));
  await alice.stop();
  await bob.stop();
});

test('a camera that stops goes away, and comes back', async () => {
  const { alice, bob } = await meet();
  for (let turn = 0; turn < 2; ++turn) {
    await alice.run('room.localParticipant.unpublishTrack(room.localParticipant.getTrackPublication("camera").track)');
    await happened(bob, 'trackUnpublished');
    await eventually('bob lost the camera', async () => (await bob.run('[...room.remoteParticipants.values()][0].trackPublications.size')) === 1, 10);
    await alice.publishCamera();
    await eventually('bob has a camera again', async () => (await bob.run('[...room.remoteParticipants.values()][0].getTrackPublication("camera")?.isSubscribed ?? false')), 10);
    await assertSees(bob, 'alice');
  }
  await alice.stop();
  await bob.stop();
});

test('names, metadata and attributes are told to everybody', async () => {
  const { alice, bob } = await meet();
  await alice.run('room.localParticipant.setName("Alice in the office")');
  await alice.run('room.localParticipant.setMetadata("here")');
  await alice.run('room.localParticipant.setAttributes({ hand: "up" })');
  await eventually('bob knows', async () =>
    (await bob.run('[...room.remoteParticipants.values()].map((p) => [p.name, p.metadata, p.attributes.hand].join())'))[0] ===
      'Alice in the office,here,up', 5);
  await alice.stop();
  await bob.stop();
});

test('a client that subscribes by itself gets what it asks for', async () => {
  const { alice, bob } = await meet();
  await bob.run('[...room.remoteParticipants.values()][0].getTrackPublication("camera").setSubscribed(false)');
  await happened(bob, 'trackUnsubscribed');
  await bob.run('[...room.remoteParticipants.values()][0].getTrackPublication("camera").setSubscribed(true)');
  await eventually('bob sees again', async () => (await bob.events('trackSubscribed')).length >= 3, 10);
  await assertSees(bob, 'alice');
  await alice.stop();
  await bob.stop();
});

test('the socket breaks and the session goes on', async (t) => {
  const { alice, bob } = await meet();
  const sid = await bob.sid();
  await bob.run('room.simulateScenario("signal-reconnect")');
  await happened(bob, 'reconnected');
  assert.equal(await bob.sid(), sid, 'the same participant');
  await assertSees(bob, 'alice');
  assert.equal((await alice.events('participantDisconnected')).length, 0, 'nobody saw him go');
  await alice.run('room.simulateScenario("signal-reconnect")');
  await happened(alice, 'reconnected');
  await assertSees(bob, 'alice');
  await alice.stop();
  await bob.stop();
});

test('a full reconnect brings everything back', async () => {
  const { alice, bob } = await meet();
  await bob.run('room.simulateScenario("full-reconnect")');
  await happened(bob, 'reconnected');
  await eventually('bob sees alice again', async () => (await bob.run('[...room.remoteParticipants.values()][0]?.getTrackPublication("camera")?.isSubscribed ?? false')), 10);
  await assertSees(bob, 'alice');
  await alice.run('room.simulateScenario("leave-full-reconnect")');
  await happened(alice, 'reconnected');
  await eventually('bob sees the new alice', async () => (await bob.run('[...room.remoteParticipants.values()][0]?.getTrackPublication("camera")?.isSubscribed ?? false')), 15);
  await assertSees(bob, 'alice');
  await alice.stop();
  await bob.stop();
});

test('the same identity again ends the first', async () => {
  const { conference, alice, bob } = await meet();
  const other = await joinRoom(world, { conference, identity: 'alice', browser: world.watching });
  await happened(alice, 'disconnected', '2');
  await eventually('bob has one alice', async () => (await bob.participants()).join() === 'alice', 5);
  await other.stop();
  await bob.stop();
});

test('a WHIP publisher is seen, and a WHEP viewer sees', async () => {
  const { conference, alice, bob } = await meet();
  const whip = await world.publish({ conference, identity: 'camera one', codec: 'VP8' });
  await assertSees(bob, 'camera one');
  const whep = await world.watch({ conference, identity: 'wall', of: 'alice' });
  await whep.firstFrameMs();
  await assertPictureAdvances(whep, { seconds: 2 });
  await whip.stop();
  await eventually('the camera is gone', async () => !(await bob.participants()).includes('camera one'), 5);
  await whep.stop();
  await alice.stop();
  await bob.stop();
});
