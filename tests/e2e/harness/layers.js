// Moves a viewer between the sizes of a simulcast or SVC publisher through its session's layer URL: the
// picture must go on without a step back, without freezing, and without frames that cannot be decoded.
import assert from 'node:assert/strict';
import { assertPictureAdvances } from './checks.js';
import { eventually } from './process.js';

// Of the picture that is encoded: Chromium makes three encodings of it.
export const WIDTH = 1280;
const FPS_MIN = 5;

export const simulcast = (mode) => [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 200_000, scalabilityMode: mode },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 600_000, scalabilityMode: mode },
  { rid: 'f', maxBitrate: 1_500_000, scalabilityMode: mode },
];
export const svc = (mode) => [{ scalabilityMode: mode, maxBitrate: 2_500_000 }];

// What the encoder really makes depends on the machine: it leaves the largest out where it cannot keep up.
async function sizesSent(publisher, wanted) {
  let widths = [];
  await eventually(`${wanted} sizes are sent`, async () => {
    const sent = (await publisher.sent()).filter(({ framesEncoded }) => framesEncoded > 0);
    widths = sent.map(({ frameWidth }) => frameWidth);
    return widths.length >= wanted;
  }, 30);
  return widths;
}

// Going up takes a key frame, and proof that the bandwidth is there.
const MOVE_SECONDS_MAX = 20;

async function moveTo(viewer, spatial) {
  const begun = performance.now();
  await viewer.want({ maxSpatialLayerId: spatial });
  const width = WIDTH >> (2 - spatial);
  await eventually(`the picture is ${width} wide`, async () => (await viewer.frameWidth()) === width, MOVE_SECONDS_MAX);
  return { width, ms: Math.round(performance.now() - begun) };
}

async function assertMovesBetween(t, viewer, spatials) {
  await viewer.firstFrameMs();
  await assertPictureAdvances(viewer, { seconds: 2, pace: 0.1 });
  for (const spatial of spatials) {
    const before = await viewer.counters();
    const { width, ms } = await moveTo(viewer, spatial);
    await assertPictureAdvances(viewer, { seconds: 3, pace: 0.1 });
    const counters = await viewer.counters();
    t.diagnostic(`spatial ${spatial}: ${width} wide after ${ms} ms, ${counters.framesDecoded - before.framesDecoded} frames decoded, ` +
      `${counters.keyFramesDecoded - before.keyFramesDecoded} of them key frames, ${counters.freezes - before.freezes} freezes, ` +
      `${counters.dropped - before.dropped} dropped, ${counters.plis - before.plis} PLI`);
    assert.ok(counters.framesDecoded - before.framesDecoded > 3 * FPS_MIN, 'frames go on');
    // What arrives whole is decoded: the difference is what is in the decoder just now.
    assert.ok(counters.received - counters.framesDecoded - counters.dropped < 30, 'no frames that cannot be decoded');
  }
}

export async function assertMovesBetweenSizes(t, world, { codec, encodings, descriptors = false }) {
  const conference = world.newConference();
  const publisher = await world.publish({ conference, codec, encodings, width: WIDTH });
  const viewer = await world.watch({ conference, descriptors });
  await viewer.firstFrameMs();
  t.diagnostic(`sent: ${JSON.stringify(await sizesSent(publisher, encodings.length))}`);
  await assertMovesBetween(t, viewer, [0, 1, 2, 0]);
  await viewer.stop();
  await publisher.stop();
  await publisher.close();
  await viewer.close();
}
