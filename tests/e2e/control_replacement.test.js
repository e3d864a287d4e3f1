// The node keeps a meeting alive while its agent is killed, ends in order, is replaced, and while the hub
// is gone; and each agent takes the same node over.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Agent } from './harness/agent.js';
import { Browser } from './harness/browser.js';
import { assertPictureAdvances } from './harness/checks.js';
import { makeClip } from './harness/clip.js';
import { Hub } from './harness/hub.js';
import { viewOf } from './harness/livekit.js';
import { leave, meet } from './harness/livekit_meeting_of_two.js';
import { Network, SERVER_IPV4 } from './harness/network.js';
import { eventually } from './harness/process.js';

const KEY = { name: 'e2ekey', secret: 'a secret of a node that an agent looks after' };
const NODE = `${SERVER_IPV4}:8080`;

const world = { key: KEY, node: { url: () => `http://${NODE}` }, newConference: () => 'control' };
let hub;
let agent;

before(async () => {
  world.network = await Network.open();
  hub = await Hub.start();
  agent = new Agent('branch', { node: true });
  const enrolled = await agent.enroll(await hub.newCode());
  assert.equal(enrolled.status, 0, enrolled.output);
  agent.start();
  await hub.waitForNode('branch', (node) => node.connected);
  const done = await hub.configure('branch', {
    node: agent.nodeConfiguration({
      http: { listen: ['127.0.0.1:8080', NODE], tls_listen: [] },
      keys: { [KEY.name]: KEY.secret },
    }),
  });
  assert.equal(done.state, 'succeeded', done.message);
  world.publishing = await Browser.launch(world.network, { clip: makeClip() });
  world.watching = await Browser.launch(world.network);
});
after(async () => {
  await world.publishing?.close();
  await world.watching?.close();
  await agent?.close();
  await hub?.stop();
  await world.network?.close();
});

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
