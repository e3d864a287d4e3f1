// livekit-client publishes several sizes, and a viewer gets one of them.
import { assertPictureAdvances } from './checks.js';
import { joinRoom, viewOf } from './livekit.js';
import { eventually } from './process.js';

const WIDTH = 1280;
// Going up takes a key frame, and proof that the bandwidth is there.
const MOVE_SECONDS_MAX = 25;

export async function meetInLayers(t, world, { publish, alice: of = {}, bob: as = {}, sizes = 3 }) {
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

export async function assertGets(t, participant, width) {
  const begun = performance.now();
  await eventually(`the picture is ${width} wide`, async () => {
    const [seen] = await participant.size('alice');
    if (seen !== width) throw new Error(`${seen} wide`);
    return true;
  }, MOVE_SECONDS_MAX);
  t.diagnostic(`${width} wide after ${Math.round(performance.now() - begun)} ms`);
  // Chromium decodes what a page in the background gets, and shows nothing of it.
  await participant.page.bringToFront();
  await assertPictureAdvances(viewOf(participant, 'alice'), { seconds: 2, pace: 0.1 });
}

export const wantQuality = (participant, quality) => participant.run(
  `[...room.remoteParticipants.values()][0].getTrackPublication('camera').setVideoQuality(LiveKit.VideoQuality.${quality})`);

export async function assertQualities(t, participant) {
  for (const [quality, width] of [['LOW', 320], ['MEDIUM', 640], ['HIGH', 1280], ['LOW', 320]]) {
    await wantQuality(participant, quality);
    await assertGets(t, participant, width);
  }
}

export async function leave(...participants) {
  for (const participant of participants) {
    await participant.stop();
    await participant.close();
  }
}
