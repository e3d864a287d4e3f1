// The hub's machine is lost; a backup onto an empty one brings every node back, and none is enrolled anew.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Agent } from './harness/agent.js';
import { Hub } from './harness/hub.js';
import { eventually, ROOT } from './harness/process.js';

const PROGRAM = process.env.ISTHMUS_HUB_PROGRAM ?? path.join(ROOT, 'build/release/bin/isthmus-hub');

let hub;
before(async () => (hub = await Hub.start()));
after(() => hub?.stop());

test('all nodes are back on an empty machine, and do what they are told', async (t) => {
  const names = ['one', 'two', 'three'];
  const agents = [];
  for (const name of names) {
    const agent = new Agent(name);
    t.after(() => agent.close());
    assert.equal((await agent.enroll(await hub.newCode())).status, 0);
    agent.start();
    agents.push(agent);
    await hub.waitForNode(name, (node) => node.connected);
  }
  const data = path.join(hub.folder, 'data');
  const backup = path.join(hub.folder, 'hub.backup');
  const passphrase = path.join(hub.folder, 'passphrase');
  fs.writeFileSync(passphrase, 'several words that nobody guesses\n');
  const isthmusHub = (...args) =>
    execFileSync(PROGRAM, ['--data', data, '--passphrase-file', passphrase, ...args], { encoding: 'utf8' });
  // While it runs; and more happens afterwards, of which the backup does not know.
  assert.match(isthmusHub('backup', backup), /3 nodes/);
  await hub.ask('node', 'ping', 'one');
  await eventually('the node has answered', async () => (await hub.commands('one'))[0].state === 'succeeded');

  await hub.kill();
  fs.rmSync(data, { recursive: true });
  assert.match(isthmusHub('restore', backup), /3 nodes/);
  await hub.launch();
  const begun = performance.now();
  for (const name of names) await hub.waitForNode(name, (node) => node.connected, 60);
  t.diagnostic(`all back after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  for (const name of names) {
    await hub.ask('node', 'ping', name);
    await eventually(`${name} has answered`, async () => (await hub.commands(name))[0].state === 'succeeded');
  }
  assert.throws(() => isthmusHub('restore', backup), /already/);
});
