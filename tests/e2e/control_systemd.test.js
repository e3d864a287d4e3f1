// Hub, agent and node as their packages install them, under a real systemd: users, privileges, restarts, limits.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Machine } from './harness/machine.js';
import { ROOT } from './harness/process.js';

const obstacle = Machine.obstacle();
const PASSWORD = 'a long enough password';
const NODE_CONFIGURATION = {
  http: { listen: ['127.0.0.1:8080'], tls_listen: [] },
  media: { workers: 1, first_port: 0 },
  state_directory: '/var/lib/isthmus',
};

let machine;
before(async () => {
  if (obstacle) return;
  machine = await Machine.boot();
});
after(() => machine?.close());

const onSystemd = (name, body) => test(name, { skip: obstacle ?? false }, body);
const ctl = async (...args) => {
  const text = await machine.program('isthmusctl', '--insecure', '--json', 'hub', ...args);
  return text.trim() === '' ? null : JSON.parse(text);
};
const node = async () => (await ctl('node', 'list')).items[0];
const events = async () => (await ctl('events', '--limit', '1000')).items;
const alive = async () => (await machine.run('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', 'http://127.0.0.1:8080/healthz')) === '200';

// On the control groups of the machine: null where the kernel gives version 2 no such controller.
async function groupFile(unit, file) {
  const { ControlGroup } = await machine.unit(unit, 'ControlGroup');
  return machine.run('cat', `/sys/fs/cgroup${ControlGroup}/${file}`).then((text) => text.trim(), () => null);
}

onSystemd('the hub runs as a user of its own', async () => {
  machine.write('etc/isthmus/hub.env', 'ISTHMUS_HUB_OPTIONS=--listen 127.0.0.1:8443 --url https://127.0.0.1:8443 --heartbeat 1\n', 0o600);
  await machine.run('systemctl', 'start', 'isthmus-hub');
  const said = await machine.waitFor('it says how to log in', async () => {
    const text = await machine.run('journalctl', '--unit', 'isthmus-hub', '--output', 'cat');
    return /One-time password/.test(text) && text;
  });
  const [, password] = said.match(/One-time password: +(\S+)/);
  const answer = await machine.run('curl', '-sk', '-H', 'Content-Type: application/json', '-d',
    JSON.stringify({ name: 'admin', password, new_password: PASSWORD }), 'https://127.0.0.1:8443/v1/login');
  machine.env = { ISTHMUS_HUB: 'https://127.0.0.1:8443', ISTHMUS_HUB_TOKEN: JSON.parse(answer).token };
  const status = await machine.status(await machine.mainPid('isthmus-hub'));
  assert.notEqual(status.Uid.split('\t')[0], '0');
  assert.equal(status.NoNewPrivs, '1');
  assert.equal(BigInt(`0x${status.CapBnd}`), 1n << 10n, 'CAP_NET_BIND_SERVICE and nothing else');
});

onSystemd('the agent has systemd start the node, with the privileges of its unit', async () => {
  // The package leaves this behind: only the node's group may read it.
  machine.write('etc/isthmus/node.yaml', 'keys: {local: "0123456789abcdef0123456789abcdef"}\nhttp: {listen: ["127.0.0.1:8080"], tls_listen: []}\n', 0o640);
  await machine.run('chown', 'root:isthmus', '/etc/isthmus/node.yaml');
  machine.write('etc/isthmus/agent.yaml', `node: {supervision: systemd, healthy_within: 20s, command: /opt/isthmus/bin/isthmus-node}
connectors: {directory: /opt/isthmus/connectors}
`);
  const example = 'opt/isthmus/connectors/example';
  machine.write(`${example}/manifest.json`, fs.readFileSync(path.join(ROOT, 'tools/connectors/example/manifest.json')));
  fs.copyFileSync(path.join(ROOT, 'build/release/bin/isthmus-connector-example'), machine.path(example, 'isthmus-connector-example'));
  await ctl('cluster', 'add', 'hq');
  const { code } = await ctl('node', 'add', '--cluster', 'hq');
  await machine.program('isthmus-agent', '--config', '/etc/isthmus/agent.yaml', 'enroll', code, '--name', 'branch');
  await machine.run('systemctl', 'start', 'isthmus-agent');
  await machine.waitFor('the hub sees it well', async () => (await node())?.status === 'operational');
  assert.ok(await alive());
  const status = await machine.status(await machine.mainPid('isthmus-node'));
  assert.notEqual(status.Uid.split('\t')[0], '0');
  assert.equal(status.NoNewPrivs, '1');
  assert.equal(BigInt(`0x${status.CapBnd}`), (1n << 10n) | (1n << 12n), 'ports and buffers, and nothing else');
  const agent = await machine.status(await machine.mainPid('isthmus-agent'));
  assert.equal(BigInt(`0x${agent.CapEff}`), (1n << 0n) | (1n << 5n) | (1n << 6n) | (1n << 7n) | (1n << 8n));
});

onSystemd('a configuration of the hub restarts the unit', async () => {
  const before = await machine.mainPid('isthmus-node');
  machine.write('etc/programs.json', JSON.stringify({ node: NODE_CONFIGURATION }));
  await ctl('--wait', 'config', 'set-node', 'branch', '/etc/programs.json');
  await machine.waitFor('it is applied', async () => {
    const { configuration } = await node();
    return configuration.version > 0 && configuration.state === 'applied';
  });
  assert.notEqual(await machine.mainPid('isthmus-node'), before);
  assert.equal((await machine.run('stat', '-c', '%U:%G %a', '/etc/isthmus/node.yaml')).trim(), 'root:isthmus 640');
  assert.ok(await alive());
});

onSystemd('a node that is killed is started again by systemd, and the hub hears of it', async () => {
  const before = await machine.mainPid('isthmus-node');
  await machine.run('kill', '-KILL', String(before));
  await machine.waitFor('another runs', async () => {
    const now = await machine.mainPid('isthmus-node');
    return now !== 0 && now !== before && await alive().catch(() => false);
  });
  await machine.waitFor('the hub was told', async () => (await events()).some(({ kind, body }) => kind === 'program.ended' && body.program === 'node'));
  await machine.waitFor('the node is well', async () => (await node()).status === 'operational');
});

onSystemd('the node goes on while its agent is killed and started again', async () => {
  const before = await machine.mainPid('isthmus-node');
  const agent = await machine.mainPid('isthmus-agent');
  await machine.run('kill', '-KILL', String(agent));
  await machine.waitFor('another agent runs', async () => {
    const now = await machine.mainPid('isthmus-agent');
    return now !== 0 && now !== agent;
  });
  await machine.waitFor('it is connected', async () => (await node()).connected);
  assert.equal(await machine.mainPid('isthmus-node'), before);
  // And the log is the journal's.
  const { command } = await ctl('node', 'logs', 'branch', 'node');
  const ended = await machine.waitFor('its log is fetched', async () => {
    const now = await ctl('command', command);
    return now.state === 'succeeded' && now;
  });
  assert.ok(ended.result.lines.some((line) => /media on UDP and TCP/.test(line)), JSON.stringify(ended.result));
});

onSystemd('limits of the unit hold', async (t) => {
  machine.write('etc/systemd/system/isthmus-node.service.d/limits.conf', '[Service]\nMemoryMax=512M\nCPUQuota=150%\nTasksMax=100\n');
  await machine.run('systemctl', 'daemon-reload');
  await machine.run('systemctl', 'restart', 'isthmus-node');
  await machine.waitFor('it serves', alive);
  const { MemoryMax, CPUQuotaPerSecUSec } = await machine.unit('isthmus-node', 'MemoryMax', 'CPUQuotaPerSecUSec');
  assert.equal(MemoryMax, String(512 * 1024 * 1024));
  assert.equal(CPUQuotaPerSecUSec, '1.500000s');
  for (const [file, expected] of [['memory.max', String(512 * 1024 * 1024)], ['cpu.max', '150000 100000'], ['pids.max', '100']]) {
    const held = await groupFile('isthmus-node', file);
    if (held === null) t.diagnostic(`${file}: not checked, the kernel gives cgroup v2 no such controller here`);
    else assert.equal(held, expected);
  }
});

onSystemd('a connector is held to its manifest below the agent, and ends with it', async (t) => {
  machine.write('etc/service.json', JSON.stringify({ greeting: 'hello', count_to: 1 }));
  const { command } = await ctl('service', 'activate', 'branch', 'example', '--config', '/etc/service.json');
  await machine.waitFor('it is active', async () => (await ctl('command', command)).state === 'succeeded');
  const pids = async () => (await machine.run('pgrep', '-f', '^isthmus-connector-example').catch(() => '')).trim();
  const pid = await pids();
  assert.match(pid, /^\d+$/);
  const group = (await machine.run('cat', `/proc/${pid}/cgroup`)).trim();
  assert.match(group, /isthmus-agent\.service/);
  const held = await machine.run('cat', `/sys/fs/cgroup${group.slice(3)}/memory.max`).then((text) => text.trim(), () => null);
  if (held === null) t.diagnostic('memory.max: not checked, the kernel gives cgroup v2 no such controller here');
  else assert.equal(held, String(64 * 1024 * 1024));
  await machine.run('systemctl', 'stop', 'isthmus-agent');
  assert.equal(await pids(), '');
  assert.ok(await alive(), 'the node does not end with it');
});
