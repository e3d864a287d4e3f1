// isthmus-node as tools/dev builds it, in the servers' namespace, with a configuration for the test.
import fs from 'node:fs';
import path from 'node:path';
import { SERVER_IPV4, SERVER_IPV6 } from './network.js';
import { makeFolder, Process, ROOT } from './process.js';

// Another build's program, e.g. build/asan/bin/isthmus-node, by environment variable.
const PROGRAM = process.env.ISTHMUS_NODE ?? path.join(ROOT, 'build/release/bin/isthmus-node');

const HTTP_PORT = 8080;
const MEDIA_PORT = 5004;

export class NodeProcess {
  // `config`: more lines of YAML.
  static async start({ config = '' } = {}) {
    const node = new NodeProcess();
    const folder = makeFolder('node');
    const file = path.join(folder, 'isthmus.yaml');
    fs.writeFileSync(file, `${baseConfig(folder)}${config}`);
    node.process = new Process('isthmus-node', PROGRAM, ['--dev', '--config', file], { cwd: folder });
    node.media = { address: SERVER_IPV4, port: MEDIA_PORT };
    await node.process.waitUntil('it is ready', async () => (await fetch(`${node.url()}/readyz`)).ok);
    return node;
  }

  url(address = SERVER_IPV4) {
    return `http://${address.includes(':') ? `[${address}]` : address}:${HTTP_PORT}`;
  }

  stop() {
    return this.process.stop();
  }

  kill() {
    this.process.child.kill('SIGKILL');
    return this.process.ended;
  }
}

function baseConfig(folder) {
  return `http:
  listen: ["${SERVER_IPV4}:${HTTP_PORT}", "[${SERVER_IPV6}]:${HTTP_PORT}"]
  tls_listen: []
state_directory: ${folder}
`;
}
