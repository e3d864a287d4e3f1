// What an agent costs that has nothing to do but to be there.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { Agent } from './harness/agent.js';
import { Hub } from './harness/hub.js';
import { eventually } from './harness/process.js';

// As a user has it: a heartbeat every ten seconds. CPU time does not depend on who else is on the machine.
const SECONDS = 60;
const TICKS_PER_SECOND = 100;

let hub;
let agent;
before(async () => {
  hub = await Hub.start({ heartbeat: 10 });
  agent = new Agent('idle', { node: true });
  fs.writeFileSync(agent.file, fs.readFileSync(agent.file, 'utf8').replace('log: {level: debug}', 'log: {level: info}'));
  assert.equal((await agent.enroll(await hub.newCode())).status, 0);
  agent.start();
  await hub.waitForNode('idle', (node) => node.connected);
  const done = await hub.configure('idle', { node: agent.nodeConfiguration() });
  assert.equal(done.state, 'succeeded', done.message);
});
after(async () => {
  await agent?.close();
  await hub?.stop();
});

function cpuSeconds(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

test('an agent at rest takes at most 15 MiB and a thousandth of a core', async (t) => {
  const pid = agent.process.pid;
  const kib = (name) =>
    Number(fs.readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`${name}:\\s+(\\d+)`))[1]);
  // Two heartbeats after it has connected it lets go of what connecting needed.
  await eventually('the agent is small', () => kib('VmRSS') <= 15 * 1024, 60);
  const before = cpuSeconds(pid);
  await delay(SECONDS * 1000); // what is measured is what it does in that time
  const share = (cpuSeconds(pid) - before) / SECONDS;
  t.diagnostic(`RSS ${kib('VmRSS')} KiB (anonymous ${kib('RssAnon')}, files ${kib('RssFile')}), ${(share * 100).toFixed(3)} % of a core`);
  assert.ok(kib('VmRSS') <= 15 * 1024);
  // One tick of the kernel's is 10 ms: 0.017 % of a minute.
  assert.ok(share <= 0.001);
});
