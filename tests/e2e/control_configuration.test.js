// A node gets its configuration from the hub, and the last good one back where it does not come up with the new.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { Agent, NODE_PORT } from './harness/agent.js';
import { Hub } from './harness/hub.js';
import { eventually } from './harness/process.js';

let hub;
let agent;
before(async () => {
  hub = await Hub.start();
  agent = new Agent('branch', { node: true, healthyWithin: '4s' });
  assert.equal((await agent.enroll(await hub.newCode())).status, 0);
  agent.start();
});
after(async () => {
  await agent?.close();
  await hub?.stop();
});

const serves = async () => (await fetch(`http://127.0.0.1:${NODE_PORT}/healthz`)).ok;
const nodeFile = () => fs.readFileSync(agent.nodeFile, 'utf8');
let good;

test('a good one is applied', async () => {
  const done = await hub.configure('branch', { node: agent.nodeConfiguration({ media: { workers: 1 } }) });
  assert.equal(done.state, 'succeeded', done.message);
  const node = await hub.waitForNode('branch', ({ configuration }) => configuration.state === 'applied');
  assert.ok(node.configuration.version > 0);
  assert.ok(await serves());
  good = nodeFile();
  assert.equal(fs.statSync(agent.nodeFile).mode & 0o777, 0o600);
});

test('one that the node refuses changes nothing, and its words reach the administrator', async () => {
  // What the hub can see is wrong does not go out at all.
  const refused = await hub.failure('config', 'set-node', 'branch',
    hub.file({ node: agent.nodeConfiguration({ media: { workers: 'many' } }) }));
  assert.match(refused, /media\.workers/);
  // The rest the node itself says.
  const done = await hub.configure('branch', {
    node: agent.nodeConfiguration({ http: { listen: ['nowhere'], tls_listen: [] } }),
  });
  assert.equal(done.state, 'failed');
  assert.match(done.message, /http\.listen/);
  assert.equal(nodeFile(), good);
  assert.ok(await serves());
});

test('one with which the node does not come up is taken back', async (t) => {
  // The hub's own port: valid, and taken.
  const broken = agent.nodeConfiguration({ http: { listen: [`127.0.0.1:${hub.port}`], tls_listen: [] } });
  const begun = performance.now();
  const { state, message: said } = await hub.configure('branch', { node: broken });
  assert.equal(state, 'failed');
  t.diagnostic(`back after ${Math.round(performance.now() - begun)} ms, of which 4000 it was given`);
  assert.match(said, /did not work: the node did not serve within 4 s/);
  assert.match(said, /runs with the one of before again/);
  assert.match(said, /in use/, 'what the node wrote into its log');
  assert.equal(nodeFile(), good);
  await eventually('the node serves again', serves);
  const node = await hub.waitForNode('branch', ({ configuration }) => configuration.state === 'failed');
  assert.notEqual(node.status, 'outage');
});

test('an agent that is killed in the middle of it leaves a node that the next one brings back', async () => {
  hub.file({ node: agent.nodeConfiguration({ http: { listen: [`127.0.0.1:${hub.port}`], tls_listen: [] }, media: { workers: 1 } }) });
  await hub.ask('config', 'set-node', 'branch', `${hub.folder}/request.json`);
  await eventually('the new one is in place', () => nodeFile() !== good);
  await agent.kill();
  agent.start();
  await eventually('the last good one is back', () => nodeFile() === good, 30);
  await eventually('the node serves', serves, 30);
});

test('a sealed secret is opened on the node only', async () => {
  const env = { ...process.env, ISTHMUS_HUB: `https://127.0.0.1:${hub.port}`, ISTHMUS_HUB_TOKEN: hub.token };
  const ctl = process.env.ISTHMUS_CTL ?? '../../build/release/bin/isthmusctl';
  const secret = 'a secret that only the node may read';
  const sealed = JSON.parse(execFileSync(ctl, ['--insecure', 'hub', 'seal', '--node', 'branch'], { env, input: `${secret}\n`, encoding: 'utf8' }));
  const done = await hub.configure('branch', { node: agent.nodeConfiguration({ keys: { backend: sealed } }) });
  assert.equal(done.state, 'succeeded', done.message);
  assert.ok(nodeFile().includes(secret));
  const shown = JSON.stringify(await hub.ask('config', 'show-node', 'branch'));
  assert.ok(!shown.includes(secret));
  const version = await fetch(`http://127.0.0.1:${NODE_PORT}/api/v1/version`, {
    headers: { Authorization: `Basic ${Buffer.from(`backend:${secret}`).toString('base64')}` },
  });
  assert.equal(version.status, 200);
});
