// The way of one node: a code, a connection, a command, an event, an end.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Agent } from './harness/agent.js';
import { Hub } from './harness/hub.js';
import { eventually } from './harness/process.js';

let hub;
let agent;
before(async () => {
  hub = await Hub.start();
  agent = new Agent('branch', { node: true });
});
after(async () => {
  await agent?.close();
  await hub?.stop();
});

test('a machine becomes a node with one code', async (t) => {
  const code = await hub.newCode();
  const begun = performance.now();
  const enrolled = await agent.enroll(code);
  assert.equal(enrolled.status, 0, enrolled.output);
  assert.match(enrolled.output, /This machine is node \S+ of cluster hq now/);
  agent.start();
  await hub.waitForNode('branch', (node) => node.connected);
  t.diagnostic(`enrolled and connected after ${Math.round(performance.now() - begun)} ms`);
  const again = await new Agent('other').enroll(code);
  assert.notEqual(again.status, 0);
  assert.match(again.output, /Step 4 of 5.*\n.*What to do/s);
});

test('its configuration comes from the hub and starts the node', async () => {
  const done = await hub.configure('branch', { node: agent.nodeConfiguration() });
  assert.equal(done.state, 'succeeded', done.message);
  await hub.waitForNode('branch', (node) => node.status === 'operational');
  assert.equal((await fetch('http://127.0.0.1:8080/healthz')).status, 200);
});

test('maintenance goes through to the node', async () => {
  await hub.ask('maintenance', 'on', 'branch', '--wait');
  await eventually('the node is in maintenance', async () => (await fetch('http://127.0.0.1:8080/readyz')).status === 503);
  await hub.waitForNode('branch', (node) => node.status === 'maintenanceMode');
  await hub.ask('maintenance', 'off', 'branch', '--wait');
  await hub.waitForNode('branch', (node) => node.status === 'operational');
});

test('its events reach the hub', async () => {
  await eventually('the hub has them', async () => (await hub.events()).some(({ kind }) => kind === 'agent.started'));
});

test('the node goes on without its agent, and the next agent takes it over', async () => {
  await agent.kill();
  assert.equal((await fetch('http://127.0.0.1:8080/healthz')).status, 200);
  agent.start();
  await hub.waitForNode('branch', (node) => node.connected && node.status === 'operational');
  const { items } = await hub.ask('events', '--limit', '1000');
  assert.ok(items.some(({ kind }) => kind === 'program.adopted'));
});
