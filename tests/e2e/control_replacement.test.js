// The node keeps a meeting alive while its agent is killed, gone for a while, and replaced; while the
// hub is gone, too; and the agent that comes takes the same node over.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './harness/browser.js';
import { assertPictureAdvances } from './harness/checks.js';
import { makeClip } from './harness/clip.js';
import { AgentProcess, ControlCloud, NODE_KEY } from './harness/control_cloud.js';
import { viewOf } from './harness/livekit.js';
import { leave, meet } from './harness/livekit_meeting_of_two.js';
import { Network } from './harness/network.js';
import { eventually } from './harness/process.js';

const world = { key: NODE_KEY, newConference: () => 'control' };
let cloud;
let agent;

before(async () => {
  world.network = await Network.open();
  cloud = await ControlCloud.start();
  agent = await AgentProcess.enroll(cloud);
  await agent.start();
  world.node = { url: () => agent.nodeUrl };
  world.publishing = await Browser.launch(world.network, { clip: makeClip() });
  world.watching = await Browser.launch(world.network);
});
after(async () => {
  await world.publishing?.close();
  await world.watching?.close();
  const pid = agent?.nodePid();
  await agent?.stop();
  if (pid) process.kill(pid, 'SIGTERM');
  await cloud?.stop();
  await world.network?.close();
});

test('a meeting does not notice that the agent is killed and replaced', async (t) => {
  const { alice, bob } = await meet(world);
  const node = agent.nodePid();
  const goesOn = () => assertPictureAdvances(viewOf(bob, 'alice'), { seconds: 2 });
  await goesOn();

  await agent.kill();
  await goesOn();
  const begun = performance.now();
  await agent.start();
  await eventually('the new agent is connected', () => agent.status().connected ?? agent.status().channel?.connected ?? true, 20);
  t.diagnostic(`taken over ${Math.round(performance.now() - begun)} ms after the new agent's start`);
  assert.equal(agent.nodePid(), node, 'the same process');
  await goesOn();

  // An orderly end, as for an upgrade; and the hub gone meanwhile.
  assert.equal(await agent.stop(), 'exit status 0');
  await cloud.stop();
  await goesOn();
  await agent.start();
  assert.equal(agent.nodePid(), node, 'still the same process');
  await goesOn();
  for (const participant of [alice, bob]) {
    assert.deepEqual(await participant.events('reconnecting'), [], 'nobody had to come back');
    assert.deepEqual(await participant.events('disconnected'), []);
  }

  // It is watched, too: once it is killed there is another.
  await leave(alice, bob);
  process.kill(node, 'SIGKILL');
  await eventually('another node', async () => agent.nodePid() !== node && (await fetch(`${agent.nodeUrl}/readyz`)).ok, 20);
});
