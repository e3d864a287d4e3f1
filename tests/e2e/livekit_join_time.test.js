// How long it takes from the call of connect() to the first picture: printed, for machines differ.
import { after, before, test } from 'node:test';
import { joinRoom } from './harness/livekit.js';
import { World } from './harness/world.js';

const JOINS = 12;

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

test('from join to the first picture', async (t) => {
  const conference = world.newConference();
  const alice = await joinRoom(world, { conference, identity: 'alice' });
  await alice.publishCamera();
  await alice.publishMicrophone();
  const connected = [];
  const first = [];
  for (let i = 0; i < JOINS; ++i) {
    const bob = await joinRoom(world, { conference, identity: `bob ${i}`, browser: world.watching });
    first.push(await bob.firstFrameMs('alice'));
    connected.push(await bob.connectedMs());
    await bob.stop();
    await bob.close();
  }
  t.diagnostic(`${JOINS} joins: connected after ${median(connected)} ms (p50), first picture after ${median(first)} ms (p50), ` +
    `each ${first.join(', ')} ms`);
  await alice.stop();
});
