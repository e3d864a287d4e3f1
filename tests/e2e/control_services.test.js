// Services: the hub activates a connector on a node, configures it, hears it, answers it, and stops it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Agent } from './harness/agent.js';
import { writeConnector } from './harness/connector.js';
import { Hub } from './harness/hub.js';
import { eventually } from './harness/process.js';

let hub;
let agent;
before(async () => {
  hub = await Hub.start();
  agent = new Agent('branch');
  assert.equal((await agent.enroll(await hub.newCode())).status, 0);
  agent.start();
  await hub.waitForNode('branch', (node) => node.connected);
});
after(async () => {
  await agent?.close();
  await hub?.stop();
});

const service = async (name) => (await hub.ask('service', 'list', 'branch')).items.find((one) => one.name === name);
const counted = async () => (await hub.events()).filter(({ kind }) => kind === 'example.counted').length;
const running = (name) => eventually(`${name} runs`, async () => (await service(name))?.reported?.state === 'running');

// Resolves to the ended command.
async function activate(name, { connector = name, configuration = {} } = {}) {
  const { command } = await hub.ask('service', 'activate', 'branch', name, '--package', connector, '--config',
    hub.file(configuration));
  return hub.ended(command);
}

async function deactivate(name) {
  const { command } = await hub.ask('service', 'deactivate', 'branch', name);
  return hub.ended(command);
}

// Of processes that run the program.
function pids(program) {
  return fs.readdirSync('/proc').filter((pid) => {
    try {
      return fs.readlinkSync(`/proc/${pid}/exe`).endsWith(`/${program}`);
    } catch {
      return false;
    }
  });
}

test('what is not installed, or does not fit, is refused with a reason', async () => {
  assert.match((await activate('missing')).message, /missing/);
  const unfit = await activate('example', { configuration: { greeting: 7 } });
  assert.equal(unfit.state, 'failed');
  assert.match(unfit.message, /greeting/);
  const rude = await activate('example', { configuration: { greeting: 'refuse me' } });
  assert.match(rude.message, /this greeting is rude/);
  assert.deepEqual(pids('isthmus-connector-example'), [], 'nothing of it is left running');
});

test('a service is activated: its connector runs, is configured, and heard', async () => {
  const done = await activate('example', { configuration: { greeting: 'good morning', count_to: 4 } });
  assert.equal(done.state, 'succeeded', done.message);
  await running('example');
  const { reported, state } = await service('example');
  assert.equal(state, 'active');
  assert.equal(reported.version, '1.0.0');
  assert.equal(reported.health, 'operational');
  assert.equal(reported.detail, 'good morning');
  await eventually('its events are at the hub', async () => (await counted()) === 4);
  await eventually('the hub has answered it', () => /the hub: \{"value":4,"version":\d+\}/.test(agent.process.output()));
  const { items } = await hub.ask('connectors');
  assert.equal(items.find(({ type }) => type === 'example').status, 'operational');
});

test('its configuration comes from the hub too', async () => {
  const { items: before } = await hub.ask('config', 'versions-node', 'branch');
  const done = await hub.configure('branch', { example: { greeting: 'good evening', count_to: 1 } });
  assert.equal(done.state, 'succeeded', done.message);
  await eventually('it says so', async () => (await service('example')).reported.detail === 'good evening');
  const { items: versions } = await hub.ask('config', 'versions-node', 'branch');
  assert.equal(versions.length, before.length + 1);
  await eventually('the node says which', async () =>
    (await service('example')).reported.configuration === versions[0].version);
  // What it does not take changes nothing.
  const refused = await hub.configure('branch', { example: { greeting: 'refuse me' } });
  assert.equal(refused.state, 'failed');
  assert.match(refused.message, /rude/);
  assert.equal((await service('example')).reported.detail, 'good evening');
});

test('its log can be fetched, and it can be restarted', async () => {
  const [pid] = pids('isthmus-connector-example');
  const { command } = await hub.ask('node', 'restart', 'branch', 'example');
  assert.equal((await hub.ended(command)).state, 'succeeded');
  await eventually('another process runs', () => pids('isthmus-connector-example').some((now) => now !== pid));
  await running('example');
  const logs = await hub.ask('node', 'logs', 'branch', 'example');
  assert.equal((await hub.ended(logs.command)).state, 'succeeded');
});

test('it runs again after its agent was killed, with the configuration that it had', async () => {
  await agent.kill();
  agent.start();
  await hub.waitForNode('branch', (node) => node.connected);
  await eventually('it runs', async () => (await service('example')).reported?.detail === 'good evening');
});

test('a node that hosts a service cannot be removed', async () => {
  assert.match(await hub.failure('node', 'remove', 'branch'), /hosts the service "example"; deactivate it first/);
  assert.match(await hub.failure('cluster', 'remove', 'hq'), /nodes in the cluster/);
});

test('a connector reaches no more of the hub than its manifest says', async () => {
  const name = writeConnector(agent.connectors, 'curious', {
    permissions: { hub: ['state.get'], events: ['curious.*'] },
    script: `
      on('configure', () => {
        call('hub.call', { method: 'state.get', params: { key: 'a' } }, (answer) => log('may: ' + answer));
        call('hub.call', { method: 'state.put', params: { key: 'a', value: 1 } }, (answer) => log('may not: ' + answer));
        call('event', { kind: 'alarm.raised', body: {} }, (answer) => log('may not say: ' + answer));
      });`,
  });
  assert.equal((await activate(name)).state, 'succeeded');
  await eventually('it was told', () => {
    const output = agent.process.output();
    return /may: \{"value":null/.test(output) && /may not: .*-32001/.test(output) && /may not say: .*-32001/.test(output);
  });
  await eventually('so was the hub', async () => (await hub.events()).some(({ kind, body }) =>
    kind === 'connector.denied' && JSON.stringify(body).includes('state.put')));
  assert.ok(!(await hub.events()).some(({ kind, body }) => kind === 'alarm.raised' && body.connector === 'curious'));
  assert.equal((await deactivate(name)).state, 'succeeded');
});

for (const [how, script, sentence] of [
  ['flood', "for (let i = 0; i < 5000; ++i) send({ method: 'log', params: { level: 'info', message: 'x' } });", /messages a second/],
  ['long', "socket.write('x'.repeat(1 << 20));", /longer than/],
  ['garbage', "socket.write('this is no JSON\\n');", /no JSON-RPC/],
]) {
  test(`a connector that breaks the contract (${how}) is ended and reported`, async () => {
    const name = writeConnector(agent.connectors, `hostile-${how}`, { script: `on('configure', () => { ${script} });` });
    await activate(name);
    await eventually('the hub hears', async () => (await hub.events()).some(({ kind, body }) =>
      kind === 'connector.refused' && body.connector === name && sentence.test(body.body.detail)));
    // The others do not suffer.
    assert.equal((await service('example')).reported.state, 'running');
    await deactivate(name);
    assert.equal((await hub.node('branch')).connected, true);
  });
}

test('a service is deactivated: its connector ends and is forgotten', async () => {
  const done = await deactivate('example');
  assert.equal(done.state, 'succeeded', done.message);
  assert.deepEqual(pids('isthmus-connector-example'), []);
  await eventually('the hub forgets it', async () => (await service('example')) === undefined);
  assert.ok(!fs.readFileSync(path.join(agent.state, 'services.json'), 'utf8').includes('good evening'));
  assert.match(await hub.failure('service', 'deactivate', 'branch', 'example'), /hosts no such service/);
  // A restart does not bring it back.
  await agent.kill();
  agent.start();
  await hub.waitForNode('branch', (node) => node.connected);
  assert.deepEqual(pids('isthmus-connector-example'), []);
  await hub.ask('node', 'remove', 'branch');
});
