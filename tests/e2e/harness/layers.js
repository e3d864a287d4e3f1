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

async function moveTo(viewer, spatial) {
  await viewer.want({ maxSpatialLayerId: spatial });
  // A key frame, and on a busy machine some time to encode it.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  return viewer.frameWidth();
}

async function assertMovesBetween(t, viewer, spatials) {
  await viewer.firstFrameMs();
  await assertPictureAdvances(viewer, { seconds: 2, pace: 0.1 });
  const widths = {};
  for (const spatial of spatials) {
    const before = await viewer.counters();
    const width = await moveTo(viewer, spatial);
    await assertPictureAdvances(viewer, { seconds: 3, pace: 0.1 });
    const counters = await viewer.counters();
    t.diagnostic(`spatial ${spatial}: ${width} wide, ${counters.framesDecoded - before.framesDecoded} frames decoded, ` +
      `${counters.keyFramesDecoded - before.keyFramesDecoded} of them key frames, ${counters.freezes - before.freezes} freezes, ` +
      `${counters.dropped - before.dropped} dropped, ${counters.plis - before.plis} PLI`);
    assert.ok(widths[spatial] === undefined || widths[spatial] === width, `${width} wide again for ${spatial}`);
    widths[spatial] = width;
    assert.ok(counters.framesDecoded - before.framesDecoded > 3 * FPS_MIN, 'frames go on');
    // What arrives whole is decoded: the difference is what is in the decoder just now.
    assert.ok(counters.received - counters.framesDecoded - counters.dropped < 30, 'no frames that cannot be decoded');
  }
  const sizes = Object.keys(widths).sort().map((spatial) => widths[spatial]);
  for (let i = 1; i < sizes.length; ++i) assert.ok(sizes[i] > sizes[i - 1], `sizes grow: ${sizes}`);
}

export async function assertMovesBetweenSizes(t, world, { codec, encodings, descriptors = false }) {
  const conference = world.newConference();
  const publisher = await world.publish({ conference, codec, encodings, width: WIDTH });
  const viewer = await world.watch({ conference, descriptors });
  await viewer.firstFrameMs();
  t.diagnostic(`sent: ${JSON.stringify(await sizesSent(publisher, encodings.length))}`);
  await assertMovesBetween(t, viewer, [0, 2, 1, 0, 2]);
  await viewer.stop();
  await publisher.stop();
  await publisher.close();
  await viewer.close();
}
