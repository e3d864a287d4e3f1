// Two hubs on one PostgreSQL with NATS between them: nothing is lost while any of them dies and comes back, and a hub
// that slept changes nothing any more.
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { measure } from './harness/instances.js';
import { eventually } from './harness/process.js';
import { ping, TwoHubs } from './harness/two_hubs.js';

let world;
let a;
let b;
before(async () => {
  world = await TwoHubs.start();
  ({ a, b } = world);
});
after(() => world?.stop());

// Each node is given commands all the time, through both hubs as long as they live. Each command is an event too.
class Load {
  constructor(names, hubs) {
    this.names = names;
    this.hubs = hubs;
    this.commands = [];
    this.refused = 0;
    this.running = this.run();
  }

  async run() {
    for (let round = 0; !this.stopped; ++round) {
      for (const name of this.names) {
        const hub = this.hubs[round % this.hubs.length];
        try {
          this.commands.push({ name, id: await ping(hub, name) });
        } catch {
          ++this.refused;
        }
      }
      await delay(20);
    }
  }

  async stop() {
    this.stopped = true;
    await this.running;
  }
}

test('a NATS server, a hub and PostgreSQL die and come back, and nothing is lost', async (t) => {
  const names = ['north', 'east', 'south', 'west'];
  const agents = [];
  for (const name of names) agents.push(await world.join(t, name));
  assert.equal(await b.nodes(), names.length);
  const load = new Load(names, [a, b]);
  await delay(1000);

  await world.nats.kill([world.nats.members[0]]);
  await delay(1500);
  assert.ok((await a.hearsNats()) && (await b.hearsNats()), 'they went to the other servers');

  load.hubs = [a];
  const begun = performance.now();
  await b.kill();
  await eventually('its nodes are at the other', async () => (await a.nodes()) === names.length, 60);
  t.diagnostic(`all nodes at the other hub ${Math.round(performance.now() - begun)} ms after the first was killed`);
  await delay(1000);

  world.nats.start([world.nats.members[0]]);
  await b.launch();
  load.hubs = [a, b];
  // New connections go to b; a command through it reaches nodes that stayed at a.
  await agents[0].stop();
  agents[0].start();
  await eventually('one is back at the first', async () => (await b.nodes()) === 1 && (await a.nodes()) === names.length - 1, 60);
  await delay(1000);

  world.postgresql.stop();
  await delay(1500);
  world.postgresql.start();
  await eventually('both answer again', async () => (await a.call('GET', '/v1/people/me')) && b.call('GET', '/v1/people/me'), 30);
  await delay(2000);
  await load.stop();

  await eventually('all that was taken is done', () => {
    const left = world.postgresql.ask("select state, count(*) from commands where method = 'ping' and state <> 'succeeded' group by 1");
    if (left.length > 0) throw new Error(JSON.stringify(left));
    return true;
  }, 60);
  const done = new Set(world.postgresql.ask("select id from commands where state = 'succeeded'").map(([id]) => id));
  assert.deepEqual(load.commands.filter(({ id }) => !done.has(id)), []);
  await eventually('everything has left the outboxes', () => agents.every((agent) => agent.status().connected && agent.status().outbox.entries === 0), 60);
  const events = names.map((name) => world.assertComplete(name));
  t.diagnostic(`${load.commands.length} commands taken, ${load.refused} refused while something was away; events ${events.join(', ')}`);
  assert.ok(load.commands.length > 100, 'there was something to lose');
});

test('a hub that slept while its nodes went elsewhere changes nothing when it wakes', async (t) => {
  // The agents notice by answers that do not come.
  const agents = [await world.join(t, 'early'), await world.join(t, 'late')];
  const atA = await a.nodes();
  b.process.child.kill('SIGSTOP');
  world.balancer.backends = [a.port];
  const took = await measure('its nodes are at the other', async () => (await a.nodes()) === atA + 2, 90);
  const commands = await Promise.all(['early', 'late'].map((name) => ping(a, name)));
  await eventually('commands reach them there', async () => (await Promise.all(commands.map((id) => world.succeeded(id)))).every(Boolean));
  b.process.child.kill('SIGCONT');
  const closed = await measure('the old one lets its dead connections go', async () => (await b.nodes()) === 0);
  t.diagnostic(`nodes moved after ${Math.round(took)} ms; dead connections closed ${Math.round(closed)} ms after waking`);
  assert.equal(await a.nodes(), atA + 2);
  for (const name of ['early', 'late']) assert.ok((await a.node(name)).connected);
  world.balancer.backends = [b.port, a.port];
  await eventually('everything has left the outboxes', () => agents.every((agent) => agent.status().outbox.entries === 0));
  ['early', 'late'].forEach((name) => world.assertComplete(name));
});
