// isthmus-hub and isthmus-agent as tools/dev builds them, in the servers' namespace: a control cloud of
// one machine, and the agent of one node.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { SERVER_IPV4 } from './network.js';
import { eventually, makeFolder, Process, ROOT } from './process.js';

const program = (name) => path.join(ROOT, 'build/release/bin', name);
// The node's: --dev's own is refused without --dev.
export const NODE_KEY = { name: 'e2ekey', secret: 'a secret of a node that an agent looks after' };
const PASSWORD = 'correct horse battery staple';

export class ControlCloud {
  static async start({ port = 9443 } = {}) {
    const cloud = new ControlCloud();
    cloud.folder = makeFolder('hub');
    cloud.url = `https://${SERVER_IPV4}:${port}`;
    cloud.ca = path.join(cloud.folder, 'ca.crt');
    cloud.process = new Process('isthmus-hub', program('isthmus-hub'), [
      '--data', cloud.folder, '--listen', `${SERVER_IPV4}:${port}`, '--url', cloud.url, '--name', SERVER_IPV4,
    ]);
    const first = await eventually('the first administrator', () =>
      cloud.process.output().match(/First administrator: (\S+)\nOne-time password: +(\S+)/));
    await eventually('login', () => cloud.ctl(['login', '--name', first[1]], `${first[2]}\n${PASSWORD}\n`) !== null);
    return cloud;
  }

  // isthmusctl hub ...
  ctl(args, input = '') {
    return execFileSync(program('isthmusctl'), ['--ca-file', this.ca, 'hub', ...args, '--hub', this.url], {
      input,
      env: { ...process.env, HOME: this.folder, XDG_CONFIG_HOME: this.folder },
      stdio: ['pipe', 'pipe', 'pipe'],
    }).toString();
  }

  // A code for `isthmus-agent enroll`.
  newCode(cluster = 'hq') {
    this.ctl(['cluster', 'add', cluster]);
    return this.ctl(['node', 'add', '--cluster', cluster]).match(/[A-Za-z0-9_-]{80,}/)[0];
  }

  stop() {
    return this.process.stop();
  }
}

// An agent that looks after isthmus-node itself.
export class AgentProcess {
  static async enroll(cloud, { nodeUrl = `http://${SERVER_IPV4}:8080` } = {}) {
    const agent = new AgentProcess();
    agent.folder = makeFolder('agent');
    agent.nodeUrl = nodeUrl;
    const nodeFile = path.join(agent.folder, 'node.yaml');
    fs.writeFileSync(nodeFile, `http:
  listen: ["${nodeUrl.replace('http://', '')}"]
  tls_listen: []
state_directory: ${agent.folder}
keys: {${NODE_KEY.name}: "${NODE_KEY.secret}"}
`);
    agent.file = path.join(agent.folder, 'agent.yaml');
    fs.writeFileSync(agent.file, `state_directory: ${agent.folder}/state
runtime_directory: ${agent.folder}/run
node:
  supervision: agent
  command: ${program('isthmus-node')}
  url: ${nodeUrl}
  configuration: ${nodeFile}
`);
    execFileSync(program('isthmus-agent'), ['--config', agent.file, 'enroll', cloud.newCode()], { stdio: 'pipe' });
    return agent;
  }

  async start() {
    this.process = new Process('isthmus-agent', program('isthmus-agent'), ['--config', this.file, 'run']);
    await this.process.waitUntil('the node is ready', async () => (await fetch(`${this.nodeUrl}/readyz`)).ok);
  }

  // What it keeps of the node's process.
  nodePid() {
    const record = fs.readdirSync(this.folder, { recursive: true }).find((name) => name.endsWith('node.process'));
    return record ? JSON.parse(fs.readFileSync(path.join(this.folder, record), 'utf8')).pid : null;
  }

  status() {
    return JSON.parse(execFileSync(program('isthmus-agent'), ['--config', this.file, 'status', '--json'], { stdio: 'pipe' }));
  }

  kill() {
    this.process.child.kill('SIGKILL');
    return this.process.ended;
  }

  stop() {
    return this.process.stop(25);
  }
}
