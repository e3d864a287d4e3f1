// The ways through a network: UDP and TCP, IPv4 and IPv6, a change of address.
import assert from 'node:assert/strict';
import { afterEach, after, before, test } from 'node:test';
import { assertPictureAdvances, assertWatches } from './harness/checks.js';
import { SERVER_IPV4, SERVER_IPV6 } from './harness/network.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());
afterEach(() => world.network.unfilter());

// Publishes and watches, checks the clip and the viewer's and the publisher's path, and leaves.
async function assertMediaTakes(wanted, options = {}) {
  const conference = world.newConference();
  const publisher = await world.publish({ conference, codec: 'VP8', ...options });
  const viewer = await world.watch({ conference, ...options });
  const { path } = await assertWatches(viewer);
  for (const { protocol, address } of [path, await publisher.path()]) {
    assert.deepEqual({ protocol, address }, wanted);
  }
  await viewer.stop();
  await publisher.stop();
  await viewer.close();
  await publisher.close();
}

test('media flows over ICE-TCP where UDP is blocked', async () => {
  world.network.filter('meta l4proto udp counter drop', 'meta nfproto ipv6 drop');
  await assertMediaTakes({ protocol: 'tcp', address: SERVER_IPV4 });
  assert.ok(world.network.filterCounters()[0] > 0, 'the browsers tried UDP and were blocked');
});

test('media flows over UDP and IPv6', async () => {
  world.network.filter('meta nfproto ipv4 ip daddr != 127.0.0.1 counter drop');
  await assertMediaTakes({ protocol: 'udp', address: SERVER_IPV6 }, { url: world.node.url(SERVER_IPV6) });
});

test('media flows over ICE-TCP and IPv6', async () => {
  world.network.filter('meta nfproto ipv4 ip daddr != 127.0.0.1 drop', 'meta l4proto udp drop');
  await assertMediaTakes({ protocol: 'tcp', address: SERVER_IPV6 }, { url: world.node.url(SERVER_IPV6) });
});

test('an ICE restart keeps both sessions', async () => {
  const conference = world.newConference();
  const publisher = await world.publish({ conference, codec: 'VP8' });
  const viewer = await world.watch({ conference });
  await assertWatches(viewer);
  await publisher.restartIce();
  await viewer.restartIce();
  await assertPictureAdvances(viewer);
  await viewer.stop();
  await publisher.stop();
});
