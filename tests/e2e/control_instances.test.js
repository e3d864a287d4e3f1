// Two hubs on one PostgreSQL with NATS between them: what is said to one reaches nodes of the other at once, and
// without NATS within a second.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { measure } from './harness/instances.js';
import { ping, TwoHubs } from './harness/two_hubs.js';

let world;
let a;
let b;
before(async () => {
  world = await TwoHubs.start();
  ({ a, b } = world);
});
after(() => world?.stop());

const median = (numbers) => Math.round(numbers.toSorted((x, y) => x - y)[Math.floor(numbers.length / 2)]);

test('a command that one hub is given reaches a node of the other', async (t) => {
  await world.join(t, 'far');
  assert.deepEqual([await a.nodes(), await b.nodes()], [0, 1]);
  const took = { a: [], b: [] };
  const sent = [];
  for (let i = 0; i < 20; ++i) {
    for (const [name, hub] of Object.entries({ a, b })) {
      const before = await b.metric('commands_sent_total');
      const command = await ping(hub, 'far');
      if (hub === a) {
        sent.push(await measure('it is sent', async () => (await b.metric('commands_sent_total')) > before));
      }
      took[name].push((sent.at(-1) ?? 0) * (hub === a) + (await measure('it is done', () => world.succeeded(command))));
    }
  }
  t.diagnostic(`after the answer of the one the other sends it within ${median(sent)} ms, and it is done within ${median(took.a)} ms;
    through the node's own hub ${median(took.b)} ms`);
  assert.ok(median(sent) < 500, 'faster than a look once a second would be');
});

test('a revocation at one hub cuts a node of the other within a second', async (t) => {
  await world.join(t, 'unwanted');
  const before = await b.nodes();
  await a.call('POST', '/v1/hybrid/nodes/unwanted/revocation');
  const took = await measure('it is cut', async () => (await b.nodes()) === before - 1);
  t.diagnostic(`after ${Math.round(took)} ms`);
  assert.ok(took < 1000);
});

test('without NATS both hubs say so, and do the same by looking', async (t) => {
  await world.join(t, 'patient');
  await world.nats.kill();
  await world.waitForNats(false);
  assert.match((await a.request('GET', '/readyz')).text, /degraded/);
  const command = await ping(a, 'patient');
  const took = [await measure('it is done', () => world.succeeded(command))];
  const before = await b.nodes();
  await a.call('POST', '/v1/hybrid/nodes/patient/revocation');
  took.push(await measure('it is cut', async () => (await b.nodes()) === before - 1));
  t.diagnostic(`command ${Math.round(took[0])} ms, revocation ${Math.round(took[1])} ms`);
  world.nats.start();
  await world.waitForNats(true);
});
