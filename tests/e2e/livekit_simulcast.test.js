// livekit-client publishes by simulcast; each viewer gets the size that it can show.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { joinRoom } from './harness/livekit.js';
import { assertGets, assertQualities, leave, meetInLayers } from './harness/livekit_layers.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

for (const videoCodec of ['vp8', 'h264']) {
  test(`${videoCodec} simulcast: a viewer chooses its quality`, async (t) => {
    const { alice, bob } = await meetInLayers(t, world, { publish: { videoCodec } });
    assert.equal((await alice.codec()).toLowerCase(), `video/${videoCodec}`);
    await assertQualities(t, bob);
    await leave(bob, alice);
  });
}

test('the size of the element decides, for each viewer by itself', async (t) => {
  const room = { adaptiveStream: true };
  const { conference, alice, bob } = await meetInLayers(t, world, { publish: {}, bob: { room, show: [160, 90] } });
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
