// livekit-client publishes several sizes; another gets the one that it can show. The publisher is told
// which of them nobody watches.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertPictureAdvances } from './harness/checks.js';
import { joinRoom, viewOf } from './harness/livekit.js';
import { eventually } from './harness/process.js';
import { World } from './harness/world.js';

const WIDTH = 1280;
// Going up takes a key frame, and proof that the bandwidth is there.
const MOVE_SECONDS_MAX = 25;

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

async function meet(t, { publish, alice: of = {}, bob: as = {}, sizes = 3 }) {
  const conference = world.newConference();
  const alice = await joinRoom(world, { conference, identity: 'alice', ...of });
  await alice.publishEnlarged(WIDTH, publish);
  const bob = await joinRoom(world, { conference, identity: 'bob', browser: world.watching, ...as });
  await bob.firstFrameMs('alice');
  await eventually(`${sizes} encodings are sent`, async () =>
    (await alice.sent()).filter(({ framesEncoded }) => framesEncoded > 0).length === sizes, 30);
  t.diagnostic(`sent as ${await alice.codec()}: ${JSON.stringify(await alice.sent())}`);
  return { conference, alice, bob };
}

async function assertGets(t, participant, width) {
  const begun = performance.now();
  await eventually(`the picture is ${width} wide`, async () => {
    const [seen] = await participant.size('alice');
    if (seen !== width) throw new Error(`${seen} wide`);
    return true;
  }, MOVE_SECONDS_MAX);
  t.diagnostic(`${width} wide after ${Math.round(performance.now() - begun)} ms`);
  await assertPictureAdvances(viewOf(participant, 'alice'), { seconds: 2, pace: 0.1 });
}

const wantQuality = (participant, quality) => participant.run(
  `[...room.remoteParticipants.values()][0].getTrackPublication('camera').setVideoQuality(LiveKit.VideoQuality.${quality})`);

async function assertQualities(t, participant) {
  for (const [quality, width] of [['LOW', 320], ['MEDIUM', 640], ['HIGH', 1280], ['LOW', 320]]) {
    await wantQuality(participant, quality);
    await assertGets(t, participant, width);
  }
}

async function leave(...participants) {
  for (const participant of participants) {
    await participant.stop();
    await participant.close();
  }
}

for (const videoCodec of ['vp8', 'h264']) {
  test(`${videoCodec} simulcast: a viewer chooses its quality`, async (t) => {
    const { alice, bob } = await meet(t, { publish: { videoCodec } });
    assert.equal((await alice.codec()).toLowerCase(), `video/${videoCodec}`);
    await assertQualities(t, bob);
    await leave(bob, alice);
  });
}

test('the size of the element decides, for each viewer by itself', async (t) => {
  const room = { adaptiveStream: true };
  const { conference, alice, bob } = await meet(t, { publish: {}, bob: { room, show: [160, 90] } });
  const carol = await joinRoom(world, { conference, identity: 'carol', browser: world.watching, room });
  await carol.firstFrameMs('alice');
  await assertGets(t, carol, 1280);
  await assertGets(t, bob, 320);
  await bob.show(640, 360, 'alice');
  await assertGets(t, bob, 640);
  await bob.show(1280, 720, 'alice');
  await carol.show(160, 90, 'alice');
  await assertGets(t, bob, 1280);
  await assertGets(t, carol, 320);
  await leave(bob, carol, alice);
});

const activeRids = async (participant) =>
  (await participant.sent()).filter(({ active }) => active).map(({ rid }) => rid).sort().join('');

async function assertActive(t, participant, rids, seconds) {
  const begun = performance.now();
  await eventually(`the encodings [${rids}] are active`, async () => {
    const active = await activeRids(participant);
    if (active !== rids) throw new Error(`[${active}] are`);
    return true;
  }, seconds);
  t.diagnostic(`[${rids}] after ${Math.round(performance.now() - begun)} ms`);
}

test('dynacast: what nobody watches is not sent', async (t) => {
  const { alice, bob } = await meet(t, { publish: { videoCodec: 'vp8' }, alice: { room: { dynacast: true } } });
  await assertActive(t, alice, 'fhq', 10);
  await wantQuality(bob, 'LOW');
  await assertGets(t, bob, 320);
  await assertActive(t, alice, 'q', 15);
  await assertPictureAdvances(viewOf(bob, 'alice'), { seconds: 2, pace: 0.1 });
  await wantQuality(bob, 'HIGH');
  await assertActive(t, alice, 'fhq', 3);
  await assertGets(t, bob, 1280);
  await bob.run('[...room.remoteParticipants.values()][0].getTrackPublication("camera").setSubscribed(false)');
  await assertActive(t, alice, '', 15);
  await bob.run('[...room.remoteParticipants.values()][0].getTrackPublication("camera").setSubscribed(true)');
  await assertActive(t, alice, 'fhq', 5);
  await eventually('bob sees again', async () => (await bob.subscribed()).includes('alice camera'), 10);
  await bob.firstFrameMs('alice');
  await assertPictureAdvances(viewOf(bob, 'alice'), { seconds: 2, pace: 0.1 });
  await leave(bob, alice);
});

for (const videoCodec of ['vp9', 'av1']) {
  test(`${videoCodec} in spatial layers: a viewer chooses its quality`, async (t) => {
    const { alice, bob } = await meet(t, { publish: { videoCodec }, sizes: 1 });
    assert.equal((await alice.codec()).toLowerCase(), `video/${videoCodec}`);
    assert.equal((await alice.sent())[0].scalabilityMode, 'L3T3_KEY');
    await assertQualities(t, bob);
    await leave(bob, alice);
  });
}
