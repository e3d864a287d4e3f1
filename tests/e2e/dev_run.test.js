// `tools/dev run` without its building: a node and a hub that it belongs to, started and ended together.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { afterEach, test } from 'node:test';
import { promisify } from 'node:util';
import { eventually, makeFolder, Process, ROOT } from './harness/process.js';

const run = promisify(execFile);
const folder = makeFolder('run');

// As tools/dev does it; the state is the test's own.
const script = () => `set -euo pipefail
root=/; cd ${ROOT}
say() { printf '\\n== %s\\n' "$*"; }
fail() { printf '%s\\n' "$*" >&2; exit 1; }
dev_build() { :; }
source tools/dev.d/run.sh
run_directory=${folder.slice(1)}
cd /; bin=${ROOT}build/release/bin
dev_run --media-port 0`;

let dev;
const start = () => (dev = new Process('dev-run', 'bash', ['-c', script()]));
afterEach(() => dev.stop());
const serves = async () => (await fetch('http://127.0.0.1:8080/healthz')).ok;

async function hub(...args) {
  const { stdout } = await run(`${ROOT}build/release/bin/isthmusctl`, ['--json', 'hub', ...args],
    { env: { ...process.env, XDG_CONFIG_HOME: folder } });
  return JSON.parse(stdout);
}

const announced = () => dev.waitUntil('the page is announced', () => /Open {2}http:\/\/127.0.0.1:8080\//.test(dev.output()), 60);

async function end(signal) {
  dev.child.kill(signal);
  await dev.ended;
  await eventually('nothing is left', async () => {
    for (const url of ['http://127.0.0.1:8080/', 'https://127.0.0.1:9443/']) {
      await assert.rejects(fetch(url), ({ cause }) => cause.code === 'ECONNREFUSED');
    }
    return true;
  }, 10);
}

for (const [round, signal] of [['the first time', 'SIGINT'], ['with what it left', 'SIGTERM']]) {
  test(`node, hub and agent run, ${round}`, async () => {
    start();
    await announced();
    assert.match(dev.output(), /The hub is at https:\/\/127.0.0.1:9443\//);
    assert.match(dev.output().trimEnd().split('\n').at(-1), /Open {2}http/, 'the page is the last word');
    assert.ok(await serves());
    await eventually('the node is well', async () => {
      const { items } = await hub('node', 'list');
      return items.length === 1 && items[0].status === 'operational';
    });
    await end(signal);
  });
}

test('the password that it prints is good', async () => {
  start();
  await announced();
  const [, password] = dev.output().match(/Log in as admin, password (\S+)/);
  const answer = await run('curl', ['-sk', '-d', JSON.stringify({ name: 'admin', password }), '-H',
    'Content-Type: application/json', 'https://127.0.0.1:9443/v1/login']);
  assert.ok(JSON.parse(answer.stdout).token);
  await end('SIGINT');
});

test('the node runs where the hub does not', async () => {
  fs.writeFileSync(`${folder}/hub/master.key`, 'damaged');
  start();
  await announced();
  assert.match(dev.output(), /the hub did not start/);
  assert.doesNotMatch(dev.output(), /The hub is at/);
  assert.ok(await serves());
  await end('SIGINT');
});
