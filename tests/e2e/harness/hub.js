// isthmus-hub with a data directory of its own, asked with isthmusctl as an administrator would.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { promisify } from 'node:util';
import { eventually, makeFolder, Process, ROOT } from './process.js';

const run = promisify(execFile);
const BIN = path.join(ROOT, 'build/release/bin');
const PROGRAM = process.env.ISTHMUS_HUB_PROGRAM ?? path.join(BIN, 'isthmus-hub');
const CTL = process.env.ISTHMUS_CTL ?? path.join(BIN, 'isthmusctl');

const PASSWORD = 'a long enough password';

export class Hub {
  // `url`: how nodes are told to reach it. `more`: more arguments. `sibling`: the hub beside which this one is
  // another instance.
  static async start({ port = 8443, host = '127.0.0.1', url = `https://${host}:${port}`, heartbeat = 1, more = [], sibling } = {}) {
    const hub = new Hub();
    hub.folder = makeFolder('hub');
    hub.data = path.join(hub.folder, 'data');
    hub.port = port;
    hub.args = ['--data', hub.data, '--listen', `127.0.0.1:${port}`,
      '--url', url, '--heartbeat', String(heartbeat), ...more];
    if (sibling) {
      fs.mkdirSync(hub.data, { mode: 0o700 });
      fs.copyFileSync(path.join(sibling.data, 'master.key'), path.join(hub.data, 'master.key'));
    }
    await hub.launch();
    if (sibling) hub.token = sibling.token;
    else await hub.logIn();
    return hub;
  }

  request(method, target, body) {
    return request(this.port, method, target, body, { Authorization: `Bearer ${this.token}` });
  }

  // As isthmusctl would, without the time that a process takes to start.
  async call(method, target, body) {
    const answer = await this.request(method, target, body);
    if (answer.status >= 400) throw new Error(`${method} ${target}: ${answer.status} ${answer.text}`);
    return answer.text === '' ? null : JSON.parse(answer.text);
  }

  async launch() {
    this.process = new Process('isthmus-hub', PROGRAM, this.args, { cwd: this.folder });
    await this.process.waitUntil('it answers', () => request(this.port, 'GET', '/v1/enrollment/hello?nonce=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'));
  }

  async logIn() {
    const output = this.process.output();
    const name = output.match(/First administrator: (\S+)/)[1];
    const password = output.match(/One-time password: +(\S+)/)[1];
    const answer = await request(this.port, 'POST', '/v1/login', { name, password, new_password: PASSWORD });
    assert.equal(answer.status, 200, answer.text);
    this.token = JSON.parse(answer.text).token;
  }

  // Somebody whose password is the tests'.
  logInAs(name) {
    return request(this.port, 'POST', '/v1/login', { name, password: PASSWORD });
  }

  // The same hub, as somebody whose one-time password this is.
  async as(name, password) {
    const answer = await request(this.port, 'POST', '/v1/login', { name, password, new_password: PASSWORD });
    assert.equal(answer.status, 200, answer.text);
    return Object.assign(Object.create(Hub.prototype), this, { token: JSON.parse(answer.text).token });
  }

  // What `isthmusctl hub ...` prints, as JSON.
  async ask(...args) {
    const { stdout } = await this.ctl(...args);
    return stdout.trim() === '' ? null : JSON.parse(stdout);
  }

  ctl(...args) {
    return run(CTL, ['--insecure', '--json', 'hub', ...args], {
      env: { ...process.env, ISTHMUS_HUB: `https://127.0.0.1:${this.port}`, ISTHMUS_HUB_TOKEN: this.token },
    });
  }

  // Of a command that has failed: what isthmusctl printed of it.
  async failure(...args) {
    try {
      await this.ctl(...args);
    } catch (error) {
      return `${error.stdout}${error.stderr}`;
    }
    assert.fail(`isthmusctl hub ${args.join(' ')} succeeded`);
  }

  // Sets a node's configuration; resolves to the ended command.
  async configure(node, programs) {
    const before = new Set((await this.commands(node)).map(({ id }) => id));
    await this.ask('config', 'set-node', node, this.file(programs));
    return eventually(`${node} has done what it could`, async () =>
      (await this.commands(node)).find(({ id, method, state }) =>
        !before.has(id) && method === 'configuration.apply' && ['succeeded', 'failed'].includes(state)), 60);
  }

  // The command when it has ended.
  ended(command, seconds = 40) {
    return eventually(`command ${command} ends`, async () => {
      const now = await this.ask('command', command);
      return ['succeeded', 'failed', 'expired', 'superseded'].includes(now.state) && now;
    }, seconds);
  }

  async commands(node) {
    return (await this.ask('node', 'commands', node)).items;
  }

  async newCode() {
    const clusters = await this.ask('cluster', 'list');
    if (!clusters.items.some(({ name }) => name === 'hq')) await this.ask('cluster', 'add', 'hq');
    return (await this.ask('node', 'add', '--cluster', 'hq')).code;
  }

  async node(name) {
    const { items } = await this.ask('node', 'list');
    return items.find((node) => node.name === name);
  }

  waitForNode(name, ready, seconds = 20) {
    return eventually(`the hub sees ${name} so`, async () => {
      const node = await this.node(name);
      return node && ready(node) && node;
    }, seconds);
  }

  // All events of all nodes, oldest first.
  async events() {
    const { items } = await this.ask('events', '--limit', '1000');
    return items.reverse();
  }

  // Writes JSON for commands that take a file.
  file(value) {
    const name = path.join(this.folder, 'request.json');
    fs.writeFileSync(name, JSON.stringify(value));
    return name;
  }

  kill() {
    this.process.child.kill('SIGKILL');
    return this.process.ended;
  }

  stop() {
    return this.process.stop();
  }
}

// The hub's certificate is its own.
function request(port, method, target, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const call = https.request({ host: '127.0.0.1', port, method, path: target, rejectUnauthorized: false,
      headers: { ...headers, ...(body ? { 'Content-Type': 'application/json' } : {}) } }, (response) => {
      let text = '';
      response.on('data', (piece) => (text += piece));
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    call.on('error', reject);
    call.end(body && JSON.stringify(body));
  });
}
