// Two hubs on one PostgreSQL with three NATS servers between them: what is said to one reaches nodes of the other, and
// nothing is lost while any of them dies and comes back.
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { Agent } from './harness/agent.js';
import { Hub } from './harness/hub.js';
import { Balancer, measure, metric, NatsCluster, Postgresql } from './harness/instances.js';
import { eventually } from './harness/process.js';

const [PORT, PORT_A, PORT_B, METRICS_A, METRICS_B] = [8443, 8444, 8445, 9461, 9462];

let postgresql;
let nats;
let balancer;
let a;
let b;

before(async () => {
  postgresql = new Postgresql();
  nats = new NatsCluster();
  balancer = await Balancer.start(PORT, [PORT_B, PORT_A]);
  const options = (metrics) => ({
    url: `https://127.0.0.1:${PORT}`,
    more: ['--database', postgresql.address, '--nats', nats.urls.join(','), '--metrics-listen', `127.0.0.1:${metrics}`],
  });
  a = await Hub.start({ port: PORT_A, ...options(METRICS_A) });
  b = await Hub.start({ port: PORT_B, ...options(METRICS_B), sibling: a });
  await eventually('both hear NATS', async () => (await connected(METRICS_A)) && connected(METRICS_B));
});

after(async () => {
  await a?.stop();
  await b?.stop();
  balancer?.close();
  await nats?.kill();
  postgresql?.close();
});

const connected = async (metrics) => (await metric(metrics, 'isthmus_hub_nats_connected')) === 1;
const nodesAt = (metrics) => metric(metrics, 'isthmus_hub_nodes_connected');
const median = (numbers) => Math.round(numbers.toSorted((x, y) => x - y)[Math.floor(numbers.length / 2)]);

// Connected to the hub that the balancer prefers.
async function join(t, name) {
  const agent = new Agent(name);
  t.after(() => agent.close());
  assert.equal((await agent.enroll(await a.newCode())).status, 0);
  agent.start();
  await a.waitForNode(name, (node) => node.connected);
  return agent;
}

async function ping(hub, name) {
  const { command } = await hub.call('POST', `/v1/hybrid/nodes/${name}/ping`);
  return command;
}

const succeeded = async (hub, command) => (await hub.call('GET', `/v1/hybrid/commands/${command}`)).state === 'succeeded';

test('a command that one hub is given reaches a node of the other', async (t) => {
  await join(t, 'far');
  assert.deepEqual([await nodesAt(METRICS_A), await nodesAt(METRICS_B)], [0, 1]);
  const took = { a: [], b: [] };
  for (let i = 0; i < 20; ++i) {
    for (const [name, hub] of Object.entries({ a, b })) {
      const command = await ping(hub, 'far');
      took[name].push(await measure('it is done', () => succeeded(a, command)));
    }
  }
  t.diagnostic(`through the other hub ${median(took.a)} ms, through its own ${median(took.b)} ms`);
  assert.ok(median(took.a) < 500, 'faster than a look once a second would be');
});

test('a revocation at one hub cuts a node of the other within a second', async (t) => {
  await join(t, 'unwanted');
  const before = await nodesAt(METRICS_B);
  await a.call('POST', '/v1/hybrid/nodes/unwanted/revocation');
  const took = await measure('it is cut', async () => (await nodesAt(METRICS_B)) === before - 1);
  t.diagnostic(`after ${Math.round(took)} ms`);
  assert.ok(took < 1000);
});

test('without NATS both hubs say so, and do the same by looking', async (t) => {
  await join(t, 'patient');
  await nats.kill();
  await eventually('both know', async () => !(await connected(METRICS_A)) && !(await connected(METRICS_B)));
  assert.match((await a.request('GET', '/readyz')).text, /degraded/);
  const command = await ping(a, 'patient');
  const took = [await measure('it is done', () => succeeded(a, command))];
  const before = await nodesAt(METRICS_B);
  await a.call('POST', '/v1/hybrid/nodes/patient/revocation');
  took.push(await measure('it is cut', async () => (await nodesAt(METRICS_B)) === before - 1));
  t.diagnostic(`command ${Math.round(took[0])} ms, revocation ${Math.round(took[1])} ms`);
  nats.start();
  await eventually('NATS is back', async () => (await connected(METRICS_A)) && connected(METRICS_B));
});

// Each node is given commands all the time, through both hubs as long as they live. Each command is an event too.
class Load {
  constructor(names) {
    this.names = names;
    this.hubs = [a, b];
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

// Every event once and in order, as the database has it.
function assertComplete(node) {
  const [{ id }] = postgresql.ask(`select id from nodes where name = '${node}'`).map(([id]) => ({ id }));
  const rows = postgresql.ask(`select sequence, received_ms from events where node = '${id}' order by sequence`)
    .map((row) => row.map(Number));
  rows.forEach(([sequence, received], i) => {
    assert.equal(sequence, i + 1, `${node} has a gap or a double`);
    assert.ok(i === 0 || received >= rows[i - 1][1], `${node}: ${sequence} came before the one before it`);
  });
  const twice = postgresql.ask(`select body::json->>'command' from events where node = '${id}' and kind = 'audit.command'
    group by 1 having count(*) > 1`);
  assert.deepEqual(twice, [], `${node} did a command twice`);
  return rows.length;
}

test('a NATS server, a hub and PostgreSQL die and come back, and nothing is lost', async (t) => {
  const names = ['north', 'east', 'south', 'west'];
  const agents = [];
  for (const name of names) agents.push(await join(t, name));
  assert.equal(await nodesAt(METRICS_B), names.length);
  const load = new Load(names);
  await delay(1000);

  await nats.kill([nats.members[0]]);
  await delay(1500);
  assert.ok((await connected(METRICS_A)) && (await connected(METRICS_B)), 'they went to the other servers');

  load.hubs = [a];
  const begun = performance.now();
  await b.kill();
  await eventually('its nodes are at the other', async () => (await nodesAt(METRICS_A)) === names.length, 60);
  t.diagnostic(`all nodes at the other hub ${Math.round(performance.now() - begun)} ms after the first was killed`);
  await delay(1000);

  nats.start([nats.members[0]]);
  await b.launch();
  load.hubs = [a, b];
  // New connections go to b; a command through it reaches nodes that stayed at a.
  await agents[0].stop();
  agents[0].start();
  await eventually('one is back at the first', async () => (await nodesAt(METRICS_B)) === 1 && (await nodesAt(METRICS_A)) === names.length - 1, 60);
  await delay(1000);

  postgresql.stop();
  await delay(1500);
  postgresql.start();
  await eventually('both answer again', async () => (await a.call('GET', '/v1/people/me')) && b.call('GET', '/v1/people/me'), 30);
  await delay(2000);
  await load.stop();

  await eventually('all that was taken is done', () => {
    const left = postgresql.ask("select state, count(*) from commands where method = 'ping' and state <> 'succeeded' group by 1");
    if (left.length > 0) throw new Error(JSON.stringify(left));
    return true;
  }, 60);
  const done = new Set(postgresql.ask("select id from commands where state = 'succeeded'").map(([id]) => id));
  assert.deepEqual(load.commands.filter(({ id }) => !done.has(id)), []);
  await eventually('everything has left the outboxes', () => agents.every((agent) => agent.status().connected && agent.status().outbox.entries === 0), 60);
  const events = names.map(assertComplete);
  t.diagnostic(`${load.commands.length} commands taken, ${load.refused} refused while something was away; events ${events.join(', ')}`);
  assert.ok(load.commands.length > 100, 'there was something to lose');
});

test('a hub that slept while its nodes went elsewhere changes nothing when it wakes', async (t) => {
  // The agents notice by answers that do not come.
  const agents = [await join(t, 'early'), await join(t, 'late')];
  const atA = await nodesAt(METRICS_A);
  b.process.child.kill('SIGSTOP');
  balancer.backends = [PORT_A];
  const took = await measure('its nodes are at the other', async () => (await nodesAt(METRICS_A)) === atA + 2, 90);
  const commands = await Promise.all(['early', 'late'].map((name) => ping(a, name)));
  await eventually('commands reach them there', async () => (await Promise.all(commands.map((id) => succeeded(a, id)))).every(Boolean));
  b.process.child.kill('SIGCONT');
  const closed = await measure('the old one lets its dead connections go', async () => (await nodesAt(METRICS_B)) === 0);
  t.diagnostic(`nodes moved after ${Math.round(took)} ms; dead connections closed ${Math.round(closed)} ms after waking`);
  assert.equal(await nodesAt(METRICS_A), atA + 2);
  for (const name of ['early', 'late']) assert.ok((await a.node(name)).connected);
  balancer.backends = [PORT_B, PORT_A];
  await eventually('everything has left the outboxes', () => agents.every((agent) => agent.status().outbox.entries === 0));
  ['early', 'late'].forEach(assertComplete);
});
