// What people do in a meeting, by livekit-client in two browsers: mute, stop, subscribe; and the other doors.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertPictureAdvances, assertToneIsHeard } from './harness/checks.js';
import { viewOf } from './harness/livekit.js';
import { assertSeesPicture, happened, meet } from './harness/livekit_meeting_of_two.js';
import { eventually } from './harness/process.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

test('mute and unmute are told', async () => {
  const { alice, bob } = await meet(world);
  await alice.run('room.localParticipant.setMicrophoneEnabled(false)');
  await happened(bob, 'trackMuted');
  await alice.run('room.localParticipant.setMicrophoneEnabled(true)');
  await happened(bob, 'trackUnmuted');
  await assertToneIsHeard(viewOf(bob, 'alice'));
  await alice.stop();
  await bob.stop();
});

test('a camera that stops goes away, and comes back', async () => {
  const { alice, bob } = await meet(world);
  for (let turn = 0; turn < 2; ++turn) {
    await alice.run('room.localParticipant.unpublishTrack(room.localParticipant.getTrackPublication("camera").track)');
    await happened(bob, 'trackUnpublished');
    await eventually('bob lost the camera', async () => (await bob.run('[...room.remoteParticipants.values()][0].trackPublications.size')) === 1, 10);
    await alice.publishCamera();
    await eventually('bob has a camera again', async () => (await bob.run('[...room.remoteParticipants.values()][0].getTrackPublication("camera")?.isSubscribed ?? false')), 10);
    await assertSeesPicture(bob, 'alice');
  }
  await alice.stop();
  await bob.stop();
});

test('names, metadata and attributes are told to everybody', async () => {
  const { alice, bob } = await meet(world);
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
  const { alice, bob } = await meet(world);
  await bob.run('[...room.remoteParticipants.values()][0].getTrackPublication("camera").setSubscribed(false)');
  await happened(bob, 'trackUnsubscribed');
  await bob.run('[...room.remoteParticipants.values()][0].getTrackPublication("camera").setSubscribed(true)');
  await eventually('bob sees again', async () => (await bob.events('trackSubscribed')).length >= 3, 10);
  await assertSeesPicture(bob, 'alice');
  await alice.stop();
  await bob.stop();
});

test('a WHIP publisher is seen, and a WHEP viewer sees', async () => {
  const { conference, alice, bob } = await meet(world);
  const whip = await world.publish({ conference, identity: 'camera one', codec: 'VP8' });
  await assertSeesPicture(bob, 'camera one');
  const whep = await world.watch({ conference, identity: 'wall', of: 'alice' });
  await whep.firstFrameMs();
  await assertPictureAdvances(whep, { seconds: 2 });
  await whip.stop();
  await eventually('the camera is gone', async () => !(await bob.participants()).includes('camera one'), 5);
  await whep.stop();
  await alice.stop();
  await bob.stop();
});
