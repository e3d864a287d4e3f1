// A network that lets nothing out but HTTP to the node and TLS to a TURN server. Who the TURN server is,
// and the credentials, reach the page in the Link headers of the node's answer.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertWatches } from './harness/checks.js';
import { TURN_SECRET, TurnServer } from './harness/turn_server.js';
import { World } from './harness/world.js';

let turn;
let world;
before(async () => {
  world = await World.open({
    prepare: async () => {
      turn = await TurnServer.start();
      return {
        config: `ice_servers:\n  - urls: ["${turn.url}"]\n    shared_secret: "${TURN_SECRET}"\n`,
        browserFlags: [turn.browserFlag],
      };
    },
  });
});
after(async () => {
  await world?.close();
  await turn?.stop();
});

test('media flows through TURN over TLS with all else blocked', async () => {
  const conference = world.newConference();
  world.network.filter(
    'oifname "lo" accept',
    `tcp dport { 8080, ${turn.port} } accept`,
    'meta l4proto ipv6-icmp accept', // neighbours, not a way for media
    'counter drop',
  );
  const publisher = await world.publish({ conference, codec: 'VP8', iceTransportPolicy: 'relay' });
  const viewer = await world.watch({ conference, iceTransportPolicy: 'relay' });
  const { path } = await assertWatches(viewer);
  for (const { localType, relayProtocol } of [path, await publisher.path()]) {
    assert.deepEqual({ localType, relayProtocol }, { localType: 'relay', relayProtocol: 'tls' });
  }
  await viewer.stop();
  await publisher.stop();
});
