// The node keeps a meeting alive while its agent is killed, ends in order, is replaced, and while the hub
// is gone; and each agent takes the same node over.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { assertPictureAdvances } from './harness/checks.js';
import { viewOf } from './harness/livekit.js';
import { leave, meet } from './harness/livekit_meeting_of_two.js';
import { ManagedNode, NODE } from './harness/managed_node.js';
import { eventually } from './harness/process.js';

let world;
let hub;
let agent;
before(async () => {
  world = await ManagedNode.start();
  ({ hub, agent } = world);
});
after(() => world?.close());

// Of the record by which agents find the process.
function nodePid() {
  const file = fs.readdirSync(agent.folder, { recursive: true }).find((name) => name.endsWith('node.process'));
  return file ? JSON.parse(fs.readFileSync(path.join(agent.folder, file), 'utf8')).pid : null;
}

// How long the hub is away; longer by hand.
const HUB_AWAY_S = Number(process.env.HUB_AWAY_S ?? 4);

const connected = () => hub.waitForNode('branch', (node) => node.connected && node.status === 'operational');

test('a meeting does not notice that the agent is killed, replaced, and without its hub', async (t) => {
  const { alice, bob } = await meet(world);
  const node = nodePid();
  const goesOn = () => assertPictureAdvances(viewOf(bob, 'alice'), { seconds: 2 });
  await goesOn();

  await agent.kill();
  await goesOn();
  const begun = performance.now();
  agent.start();
  await connected();
  t.diagnostic(`taken over ${Math.round(performance.now() - begun)} ms after the new agent's start`);
  assert.equal(nodePid(), node, 'the same process');
  await goesOn();

  // In order, as for an upgrade; and the hub is gone meanwhile.
  assert.equal(await agent.stop(), 'exit status 0');
  await hub.kill();
  await goesOn();
  agent.start();
  for (const back = performance.now() + 1000 * HUB_AWAY_S; performance.now() < back;) await goesOn();
  await hub.launch();
  await connected();
  assert.equal(nodePid(), node, 'still the same process');
  await goesOn();
  for (const participant of [alice, bob]) {
    for (const event of ['reconnecting', 'signalReconnecting', 'disconnected']) {
      assert.deepEqual(await participant.events(event), [], 'nobody had to come back');
    }
  }
  await leave(alice, bob);
});

test('the node that an agent took over is watched as any other', async () => {
  const node = nodePid();
  process.kill(node, 'SIGKILL');
  await eventually('another node', async () => ![node, null].includes(nodePid()) && (await fetch(`http://${NODE}/readyz`)).ok);
  await eventually('the hub hears of it', async () =>
    (await hub.events()).some(({ kind, body }) => kind === 'program.ended' && JSON.stringify(body).includes('node')));
});
