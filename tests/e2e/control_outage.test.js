// Nothing is lost: hubs die, nodes are offline for a day, clocks are wrong, disks are full; what nodes have to say arrives once.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { Agent, NODE_PORT } from './harness/agent.js';
import { Hub } from './harness/hub.js';
import { eventually } from './harness/process.js';

let hub;
before(async () => (hub = await Hub.start()));
after(() => hub?.stop());

async function join(t, name, options) {
  const agent = new Agent(name, options);
  t.after(() => agent.close());
  assert.equal((await agent.enroll(await hub.newCode())).status, 0);
  agent.start();
  await hub.waitForNode(name, (node) => node.connected);
  return agent;
}

const sql = (file, ...statements) => execFileSync('sqlite3', [file, ...statements], { encoding: 'utf8' }).trim();

// The hub's table, which holds more than the API shows at once. Each number once and in order, or this fails.
async function assertComplete(node, epochs = 1) {
  const rows = sql(path.join(hub.folder, 'data/hub.db'),
    `select epoch, count(*), count(distinct sequence), min(sequence), max(sequence) from events
     where node = '${(await hub.node(node)).id}' group by epoch`).split('\n');
  assert.equal(rows.length, epochs, rows.join('; '));
  for (const row of rows) {
    const [, all, different, first, last] = row.split('|').map(Number);
    assert.deepEqual([all, different, first], [last, last, 1], row);
  }
  return Number(rows.at(-1).split('|')[1]);
}

const drained = (agent, seconds = 60) =>
  eventually('everything has left the outbox', () => agent.status().connected && agent.status().outbox.entries === 0, seconds);

test('a hub that is killed again and again gets every event once, and the node serves on', async (t) => {
  const agent = await join(t, 'branch', { node: true });
  await hub.configure('branch', { node: agent.nodeConfiguration() });
  let down = 0;
  const watch = setInterval(() => fetch(`http://127.0.0.1:${NODE_PORT}/healthz`).catch(() => ++down), 100);
  t.after(() => clearInterval(watch));
  for (let round = 0; round < 5; ++round) {
    // Events while it dies: each ping is a command, its audit an event; and the pushes are under way.
    for (let i = 0; i < 20; ++i) hub.ask('maintenance', i % 2 ? 'off' : 'on', 'branch').catch(() => {});
    await delay(100 + 130 * round);
    await hub.kill();
    await delay(300);
    await hub.launch();
    await hub.waitForNode('branch', (node) => node.connected, 60);
  }
  clearInterval(watch);
  assert.equal(down, 0);
  await drained(agent);
  const events = await assertComplete('branch');
  t.diagnostic(`${events} events`);
  assert.ok(events > 20, 'there was something to lose');
});

test('a node that was offline for a day brings what happened, in order and once', async (t) => {
  const agent = await join(t, 'distant');
  await drained(agent);
  await agent.stop();
  const before = await assertComplete('distant');
  // A day's usage records, as the agent would have written them while the hub was out of reach.
  const file = path.join(agent.state, 'outbox.db');
  sql(file, `with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
    insert into entries (unix_ms, kind, body) select ${Date.now() - 86_400_000} + i * 4320, cast('usage' as blob),
    cast('{"conference":"c' || i || '","minutes":' || (i % 90) || '}' as blob) from n`);
  const begun = performance.now();
  agent.start();
  // The hub dies while they come, and they come on.
  await eventually('some have come', async () => Number(sql(path.join(hub.folder, 'data/hub.db'), 'select count(*) from events')) > before + 2000, 30);
  await hub.kill();
  await hub.launch();
  await eventually('the agent is back', () => agent.status().connected, 60);
  await drained(agent);
  t.diagnostic(`20000 events after ${Math.round(performance.now() - begun)} ms, the hub's restart in them`);
  assert.ok((await assertComplete('distant')) >= before + 20_000);
});

test('a damaged outbox is set aside, told, and does not stop the node', async (t) => {
  const agent = await join(t, 'damaged');
  await drained(agent);
  await agent.kill();
  fs.writeFileSync(path.join(agent.state, 'outbox.db'), Buffer.alloc(20_000, 0xa5));
  fs.rmSync(path.join(agent.state, 'outbox.db-wal'), { force: true });
  fs.writeFileSync(path.join(agent.state, 'commands.json'), '{', { mode: 0o600 });
  agent.start();
  const node = await hub.waitForNode('damaged', (found) => found.connected && found.alarms.some(({ id }) => id.startsWith('outbox')));
  assert.ok(node.alarms.some(({ id }) => id.startsWith('state.damaged')));
  await hub.ask('node', 'ping', 'damaged', '--wait');
  await drained(agent);
  await assertComplete('damaged', 2);
});

test('a clock that is an hour wrong keeps nobody out, and is told', async (t) => {
  const agent = new Agent('yesterday');
  t.after(() => agent.close());
  assert.equal((await agent.enroll(await hub.newCode())).status, 0);
  const library = execFileSync('sh', ['-c', 'ls /usr/lib/*/faketime/libfaketime.so.1'], { encoding: 'utf8' }).trim();
  for (const offset of ['-1h', '+1h']) {
    agent.start({ LD_PRELOAD: library, FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1' });
    await hub.waitForNode('yesterday', (node) => node.connected && node.alarms.some(({ id }) => id.startsWith('clock')));
    await hub.ask('node', 'ping', 'yesterday', '--wait');
    await agent.stop();
  }
});

test('a full disk loses nothing while the agent lives', async (t) => {
  const agent = new Agent('full');
  t.after(() => agent.close());
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'none', agent.state]);
  t.after(() => execFileSync('umount', ['--lazy', agent.state]));
  assert.equal((await agent.enroll(await hub.newCode())).status, 0);
  agent.start();
  await hub.waitForNode('full', (node) => node.connected);
  await drained(agent);
  execFileSync('sh', ['-c', `dd if=/dev/zero of=${agent.state}/ballast bs=4k 2>/dev/null || true`]);
  // A command that cannot be noted is not done. The alarms go with the heartbeat, which needs no disk.
  await hub.ask('node', 'ping', 'full');
  const told = await hub.waitForNode('full', (node) => node.alarms.some(({ id }) => id.startsWith('outbox.disk')));
  assert.ok(told.connected && told.alarms.some(({ id }) => id.startsWith('state.disk')));
  fs.rmSync(path.join(agent.state, 'ballast'));
  await hub.ask('node', 'ping', 'full', '--wait');
  await drained(agent);
  await assertComplete('full');
});
