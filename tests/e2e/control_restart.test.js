// A configuration that restarts the node waits for its meetings, and does not where it is told not to.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { assertPictureAdvances } from './harness/checks.js';
import { viewOf } from './harness/livekit.js';
import { leave, meet } from './harness/livekit_meeting_of_two.js';
import { ManagedNode } from './harness/managed_node.js';
import { eventually } from './harness/process.js';

let world;
let hub;
let agent;
before(async () => {
  world = await ManagedNode.start();
  ({ hub, agent } = world);
});
after(() => world?.close());

const programs = (loudest, more = {}) => ({ node: world.configuration({ media: { audio: { loudest } } }), ...more });
const nodeFile = () => fs.readFileSync(agent.nodeFile, 'utf8');
const newest = async () => (await hub.commands('branch')).find(({ method }) => method === 'configuration.apply');

// Resolves to the command once it waits for the meeting.
async function set(configuration, ...options) {
  const before = (await newest()).id;
  await hub.ask('config', 'set-node', 'branch', hub.file(configuration), ...options);
  return eventually('a command for it', async () => {
    const command = await newest();
    return command.id !== before && command;
  });
}

const waits = (id) => eventually('it waits for the meeting', async () => {
  const { state, message } = await hub.ask('command', id);
  return state === 'running' && /waiting for 1 meetings with 2 people; at \S+ they are ended/.test(message);
});

test('a meeting goes on until it ends by itself; then the node has its configuration', async () => {
  const { alice, bob } = await meet(world);
  const good = nodeFile();
  const first = await set(programs(2));
  await waits(first.id);
  await hub.waitForNode('branch', ({ status }) => status === 'maintenanceMode');
  await assertPictureAdvances(viewOf(bob, 'alice'), { seconds: 2 });
  assert.equal(nodeFile(), good);

  // Something newer takes its place; the meeting does not notice.
  const second = await set(programs(3));
  const given = await hub.ended(first.id);
  assert.equal(given.state, 'failed');
  assert.match(given.message, /a newer configuration came/);
  await waits(second.id);
  await assertPictureAdvances(viewOf(bob, 'alice'), { seconds: 2 });

  // An agent that ends meanwhile begins again.
  await agent.kill();
  agent.start();
  const third = await eventually('it is told again', async () => {
    const command = await newest();
    return command.id !== second.id && command;
  });
  await waits(third.id);
  await assertPictureAdvances(viewOf(bob, 'alice'), { seconds: 2 });

  await leave(alice, bob);
  const done = await hub.ended(third.id);
  assert.equal(done.state, 'succeeded', done.message);
  assert.notEqual(nodeFile(), good);
  await hub.waitForNode('branch', ({ status }) => status === 'operational');

  // And the meeting is accounted for.
  const { body } = await eventually('a record of usage comes', async () =>
    (await hub.events()).find(({ kind, body: record }) => kind === 'usage' && record.ended));
  assert.equal(body.conference, 'control');
  assert.equal(body.participants_most, 2);
  assert.ok(body.participant_seconds > 0 && body.to_ms > body.from_ms, JSON.stringify(body));
});

test('it ends at the deadline that the hub gives its agents', async () => {
  const { alice, bob } = await meet(world);
  const { id } = await set(programs(2, { agent: { node: { meetings_wait: '4s' }, log: { level: 'info' } } }));
  const begun = performance.now();
  const done = await hub.ended(id);
  assert.equal(done.state, 'succeeded', done.message);
  assert.ok(performance.now() - begun > 3000);
  assert.equal((await bob.events('disconnected')).length, 1);
  await Promise.all([alice, bob].map((one) => one.close()));
});

test('and at once with --now', async () => {
  const { alice, bob } = await meet(world);
  const done = await hub.ended((await set(programs(3, { agent: { node: { meetings_wait: '1h' } } }), '--now')).id);
  assert.equal(done.state, 'succeeded', done.message);
  await Promise.all([alice, bob].map((one) => one.close()));
});

test("an administrator's own maintenance stays, before and after", async () => {
  await hub.ask('--wait', 'maintenance', 'on', 'branch');
  const done = await hub.configure('branch', programs(1));
  assert.equal(done.state, 'succeeded', done.message);
  await hub.waitForNode('branch', ({ status }) => status === 'maintenanceMode');
  await hub.ask('--wait', 'maintenance', 'off', 'branch');
  await hub.waitForNode('branch', ({ status }) => status === 'operational');
});

test('what the hub says of the agent counts at once', async () => {
  const done = await hub.configure('branch', programs(1, { agent: { log: { level: 'error' }, heartbeat: '1s' } }));
  assert.equal(done.state, 'succeeded', done.message);
  const refused = await hub.failure('config', 'set-node', 'branch', hub.file({ agent: { log: { level: 'loud' } } }));
  assert.match(refused, /agent: .*level/);
  // What the hub does not know the agent looks at itself.
  const unknown = await hub.configure('branch', programs(1, { agent: { state_directory: '/' } }));
  assert.equal(unknown.state, 'failed');
  assert.match(unknown.message, /state_directory/);
});
