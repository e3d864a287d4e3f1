// isthmus-agent with state of its own, and the node that it starts.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { makeFolder, Process, ROOT } from './process.js';

const BIN = path.join(ROOT, 'build/release/bin');
const PROGRAM = process.env.ISTHMUS_AGENT ?? path.join(BIN, 'isthmus-agent');
const NODE = process.env.ISTHMUS_NODE ?? path.join(BIN, 'isthmus-node');
const EXAMPLE = process.env.ISTHMUS_CONNECTOR_EXAMPLE ?? path.join(BIN, 'isthmus-connector-example');

export const NODE_PORT = 8080;

export class Agent {
  // `node`: whether the machine has a media node. `config`: more lines of YAML.
  constructor(name, { node = false, healthyWithin = '5s', limits = '{}', config = '' } = {}) {
    this.name = name;
    this.folder = makeFolder(name);
    this.state = path.join(this.folder, 'state');
    this.nodeFile = path.join(this.folder, 'node.yaml');
    this.file = path.join(this.folder, 'agent.yaml');
    this.connectors = path.join(this.folder, 'connectors');
    fs.mkdirSync(this.state, { mode: 0o700 });
    fs.mkdirSync(path.join(this.folder, 'node-state'));
    this.installExample();
    fs.writeFileSync(this.file, `state_directory: ${this.state}
runtime_directory: ${path.join(this.folder, 'run')}
node:
  enabled: ${node}
  supervision: agent
  command: ${NODE}
  url: http://127.0.0.1:${NODE_PORT}
  configuration: ${this.nodeFile}
  healthy_within: ${healthyWithin}
  limits: ${limits}
connectors: {directory: ${this.connectors}}
log: {level: debug}
${config}`);
  }

  // As a package would.
  installExample() {
    const folder = path.join(this.connectors, 'example');
    fs.mkdirSync(folder, { recursive: true });
    fs.copyFileSync(path.join(ROOT, 'tools/connectors/example/manifest.json'), path.join(folder, 'manifest.json'));
    fs.copyFileSync(EXAMPLE, path.join(folder, 'isthmus-connector-example'));
  }

  // A configuration of the hub with which the node comes up.
  nodeConfiguration(more = {}) {
    return {
      http: { listen: [`127.0.0.1:${NODE_PORT}`], tls_listen: [] },
      state_directory: path.join(this.folder, 'node-state'),
      ...more,
    };
  }

  // Resolves to { status, output }.
  run(...args) {
    return new Promise((resolve) => {
      execFile(PROGRAM, ['--config', this.file, ...args], (error, stdout, stderr) =>
        resolve({ status: error ? error.code : 0, output: stdout + stderr }));
    });
  }

  enroll(code, ...args) {
    return this.run('enroll', code, '--name', this.name, ...args);
  }

  // `env`: more of the environment, e.g. for libfaketime. `by`: a command that starts it.
  start(env = {}, by = []) {
    const [command, ...args] = [...by, PROGRAM, '--config', this.file, 'run'];
    this.process = new Process(`isthmus-agent-${this.name}`, command, args, {
      cwd: this.folder, env: { ...process.env, ...env },
    });
  }

  status() {
    return JSON.parse(fs.readFileSync(path.join(this.folder, 'run/status.json'), 'utf8'));
  }

  kill() {
    this.process.child.kill('SIGKILL');
    return this.process.ended;
  }

  stop() {
    return this.process.stop();
  }

  // The node outlives its agent; a test's end it must not.
  async endNode() {
    const pids = fs.readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandOf(pid).includes(this.nodeFile));
    for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
  }

  async close() {
    if (this.process) await this.stop();
    await this.endNode();
  }
}

function commandOf(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
