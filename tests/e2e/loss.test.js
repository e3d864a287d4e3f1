// Five packets of a hundred lost each way between each client and the node. NACK and RTX must repair
// what they can; a key frame repairs the rest.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertWatches } from './harness/checks.js';
import { SERVER_IPV4 } from './harness/network.js';
import { UdpRelay } from './harness/udp_relay.js';
import { World } from './harness/world.js';

const LOSS = 0.05;
const SEED = Number(process.env.SEED ?? 1);

let world;
let relay;
before(async () => {
  // One worker: one port for the relay to lead to.
  world = await World.open({ prepare: () => ({ config: 'media:\n  workers: 1\n' }) });
  relay = await UdpRelay.open({ address: SERVER_IPV4, server: world.node.media, loss: LOSS, seed: SEED });
});
after(async () => {
  relay?.close();
  await world?.close();
});

for (const codec of ['VP8', 'VP9', 'AV1', 'H264']) {
  test(`the clip survives 5 % loss each way: ${codec}`, async (t) => {
    t.diagnostic(`SEED=${SEED}`);
    const before = { up: relay.up.lost, down: relay.down.lost };
    const conference = world.newConference();
    const answer = { relay: { address: SERVER_IPV4, port: relay.address.port } };
    const publisher = await world.publish({ conference, codec, answer });
    const viewer = await world.watch({ conference, answer });
    await assertWatches(viewer, { seconds: 8, pace: 0.4 });
    assert.equal(await viewer.codec(), `video/${codec}`);
    const counters = await viewer.counters();
    const lost = { up: relay.up.lost - before.up, down: relay.down.lost - before.down };
    t.diagnostic(`lost by the relay: ${JSON.stringify(lost)}; the viewer: ${JSON.stringify(counters)}`);
    assert.ok(lost.up > 0 && lost.down > 0);
    assert.ok(counters.nacks > 0, 'the viewer asked for what it missed');
    assert.ok(counters.retransmitted > 0, 'and was sent it again');
    await viewer.stop();
    await publisher.stop();
    await viewer.close();
    await publisher.close();
  });
}
