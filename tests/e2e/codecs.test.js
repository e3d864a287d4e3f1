// Each video codec as the browser makes it, forwarded as it is.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertWatches } from './harness/checks.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

for (const codec of ['VP8', 'VP9', 'AV1', 'H264']) {
  test(`${codec} arrives whole`, async (t) => {
    const conference = world.newConference();
    const publisher = await world.publish({ conference, codec });
    const viewer = await world.watch({ conference });
    const { seen } = await assertWatches(viewer);
    t.diagnostic(`${seen.numbers.length} frames read, bars off by ${seen.barErrorMax} of 255 at most`);
    assert.equal(await viewer.codec(), `video/${codec}`);
    await viewer.stop();
    await publisher.stop();
    await publisher.close();
    await viewer.close();
  });
}
