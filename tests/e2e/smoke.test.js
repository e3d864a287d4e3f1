// One publisher and one viewer over UDP and IPv4: quick enough for every run of tools/dev test.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertWatches, PREFERRED_CIPHER } from './harness/checks.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

test('a browser watches what another publishes', async (t) => {
  const conference = world.newConference();
  const publisher = await world.publish({ conference, codec: 'VP8' });
  const viewer = await world.watch({ conference });
  const { path } = await assertWatches(viewer);
  assert.equal(path.protocol, 'udp');
  assert.match((await publisher.path()).srtpCipher, PREFERRED_CIPHER);
  t.diagnostic(`first frame ${await viewer.firstFrameMs()} ms after the viewer began to join`);
  await viewer.stop();
  await publisher.stop();
});
