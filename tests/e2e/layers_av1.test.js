// AV1 with spatial layers in one stream. Chromium leaves the dependency descriptor out of a viewer's offer, and shows
// nothing of several layers then; the node sends the lowest alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertPictureAdvances } from './harness/checks.js';
import { assertMovesBetweenSizes, svc, WIDTH } from './harness/layers.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

test('AV1 L3T3 without dependency descriptors: a viewer sees the smallest size', async (t) => {
  const conference = world.newConference();
  const publisher = await world.publish({ conference, codec: 'AV1', encodings: svc('L3T3'), width: WIDTH });
  const viewer = await world.watch({ conference });
  t.diagnostic(`first frame after ${await viewer.firstFrameMs()} ms`);
  await assertPictureAdvances(viewer, { seconds: 3, pace: 0.1 });
  assert.equal(await viewer.frameWidth(), WIDTH / 4);
  await viewer.stop();
  await publisher.stop();
  await publisher.close();
  await viewer.close();
});

test('AV1 L3T3 with dependency descriptors', (t) =>
  assertMovesBetweenSizes(t, world, { codec: 'AV1', encodings: svc('L3T3'), descriptors: true }));
