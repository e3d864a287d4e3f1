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

test('the clip survives 5 % loss each way', async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  const conference = world.newConference();
  const answer = { relay: { address: SERVER_IPV4, port: relay.address.port } };
  const publisher = await world.publish({ conference, codec: 'VP8', answer });
  const viewer = await world.watch({ conference, answer });
  await assertWatches(viewer, { seconds: 10, pace: 0.4 });
  const counters = await viewer.counters();
  t.diagnostic(`lost by the relay: up ${relay.up.lost} of ${relay.up.lost + relay.up.carried}, ` +
    `down ${relay.down.lost} of ${relay.down.lost + relay.down.carried}`);
  t.diagnostic(JSON.stringify(counters));
  assert.ok(relay.up.lost > 0 && relay.down.lost > 0);
  assert.ok(counters.nacks > 0, 'the viewer asked for what it missed');
  assert.ok(counters.retransmitted > 0, 'and was sent it again');
  await viewer.stop();
  await publisher.stop();
});
