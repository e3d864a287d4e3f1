// Sound and picture with redundancy. One packet in ten is lost between the viewer and the node; the node
// hears of it from the viewer's reports, puts earlier frames into the sound (RED) and sends repair packets
// beside the picture (FlexFEC). Chromium counts these as fecPacketsReceived; an earlier frame that it has
// already it counts as discarded.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertToneIsHeard, assertWatches } from './harness/checks.js';
import { SERVER_IPV4 } from './harness/network.js';
import { eventually } from './harness/process.js';
import { UdpRelay } from './harness/udp_relay.js';
import { World } from './harness/world.js';

const LOSS = 0.1;
const SAMPLES_PER_PACKET = 960; // 20 ms of 48 kHz
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

test('RED that a browser publishes reaches one that takes it', async (t) => {
  const conference = world.newConference();
  const publisher = await world.publish({ conference, codec: 'VP8', red: true });
  const viewer = await world.watch({ conference });
  await assertWatches(viewer);
  await assertToneIsHeard(viewer);
  const counters = await viewer.counters();
  t.diagnostic(JSON.stringify(counters));
  assert.ok(counters.audioDiscarded > counters.audioPackets / 2, 'earlier frames came along');
  await viewer.stop();
  await publisher.stop();
});

test('a viewer that loses packets gets RED and FlexFEC made', async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  const conference = world.newConference();
  const publisher = await world.publish({ conference, codec: 'VP8' });
  const answer = { relay: { address: SERVER_IPV4, port: relay.address.port } };
  const viewer = await world.watch({ conference, answer });
  await viewer.firstFrameMs();
  // Reports about sound come once in five seconds or so, and three make an average.
  await eventually('redundancy in sound and picture', async () => {
    const { audioDiscarded, videoRepairs } = await viewer.counters();
    return audioDiscarded > 50 && videoRepairs > 10;
  }, 40);
  const begun = await viewer.counters();
  await assertWatches(viewer, { seconds: 10, pace: 0.3 });
  const ended = await viewer.counters();
  t.diagnostic(JSON.stringify(ended));
  const lost = ended.audioLost - begun.audioLost;
  const concealed = (ended.audioConcealedSamples - begun.audioConcealedSamples) / SAMPLES_PER_PACKET;
  t.diagnostic(`sound: ${lost} packets lost, ${concealed.toFixed(1)} of them had to be made up`);
  assert.ok(lost > 10 && concealed < lost / 2, 'most of the sound that was lost came with the next packet');
  t.diagnostic(`lost by the relay: down ${relay.down.lost} of ${relay.down.lost + relay.down.carried}`);
  await viewer.stop();
  await publisher.stop();
});
