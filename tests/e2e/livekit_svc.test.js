// livekit-client publishes one stream with spatial layers; a viewer gets those that it asks for.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertQualities, leave, meetInLayers } from './harness/livekit_layers.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

for (const videoCodec of ['vp9', 'av1']) {
  test(`${videoCodec} in spatial layers: a viewer chooses its quality`, async (t) => {
    const { alice, bob } = await meetInLayers(t, world, { publish: { videoCodec }, sizes: 1 });
    assert.equal((await alice.codec()).toLowerCase(), `video/${videoCodec}`);
    assert.equal((await alice.sent())[0].scalabilityMode, 'L3T3_KEY');
    await assertQualities(t, bob);
    await leave(bob, alice);
  });
}
