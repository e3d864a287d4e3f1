// End-to-end encryption by livekit-client's worker: the node forwards what it cannot read.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertPictureAdvances, assertToneIsHeard } from './harness/checks.js';
import { joinRoom, viewOf } from './harness/livekit.js';
import { eventually } from './harness/process.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

async function assertSeesNothing(participant) {
  await eventually('the tracks are there', async () => (await participant.subscribed()).length === 2, 10);
  const seen = await participant.look(4, 'alice');
  assert.equal(seen.numbers.length, 0, 'no picture can be read');
  assert.equal(await participant.toneHz('alice'), null, 'no tone is heard');
}

const KEY = 'correct horse battery staple';

for (const videoCodec of ['vp8', 'vp9', 'h264']) {
  test(`${videoCodec}: who has the key sees and hears, and nobody else`, async (t) => {
    const conference = world.newConference();
    const alice = await joinRoom(world, { conference, identity: 'alice', key: KEY });
    await alice.publishCamera({ videoCodec });
    await alice.publishMicrophone();
    await eventually('the codec is known', async () => (await alice.codec())?.toLowerCase() === `video/${videoCodec}`, 10);
    const browser = world.watching;
    const bob = await joinRoom(world, { conference, identity: 'bob', browser, key: KEY });
    t.diagnostic(`first frame ${await bob.firstFrameMs('alice')} ms after bob began to join`);
    await assertPictureAdvances(viewOf(bob, 'alice'));
    await assertToneIsHeard(viewOf(bob, 'alice'));
    assert.ok(await bob.run('[...room.remoteParticipants.values()][0].getTrackPublication("camera").isEncrypted'));
    const eve = await joinRoom(world, { conference, identity: 'eve', browser, key: 'wrong' });
    await assertSeesNothing(eve);
    await assertPictureAdvances(viewOf(bob, 'alice'), { seconds: 2 });
    for (const participant of [eve, bob, alice]) {
      await participant.stop();
      await participant.close();
    }
  });
}

test('simulcast: a viewer moves between sizes of what is encrypted', async () => {
  const conference = world.newConference();
  const alice = await joinRoom(world, { conference, identity: 'alice', key: KEY });
  await alice.publishEnlarged(1280, { videoCodec: 'vp8' });
  const bob = await joinRoom(world, { conference, identity: 'bob', browser: world.watching, key: KEY });
  await bob.firstFrameMs('alice');
  for (const [quality, width] of [['LOW', 320], ['HIGH', 1280], ['MEDIUM', 640]]) {
    await bob.run(`[...room.remoteParticipants.values()][0].getTrackPublication('camera').setVideoQuality(LiveKit.VideoQuality.${quality})`);
    await eventually(`the picture is ${width} wide`, async () => (await bob.size('alice'))[0] === width, 25);
    await assertPictureAdvances(viewOf(bob, 'alice'), { seconds: 2, pace: 0.1 });
  }
  for (const participant of [bob, alice]) {
    await participant.stop();
    await participant.close();
  }
});
