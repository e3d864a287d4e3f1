// What several instances of the hub stand on: PostgreSQL, NATS servers, and what spreads nodes over them.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { eventually, makeFolder, Process, ROOT } from './process.js';

const SCRIPT = path.join(ROOT, 'tests/tools/hub/postgresql');

export class Postgresql {
  // In a folder that the server's own user can reach, who is not root.
  constructor() {
    this.folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'isthmus-postgresql-')), 'server');
    fs.mkdirSync(this.folder);
    this.address = `postgresql:///postgres?user=hub&host=${this.folder}`;
    this.start();
  }

  start() {
    execFileSync(SCRIPT, ['start', this.folder]);
  }

  // At once, as a crash would.
  stop() {
    execFileSync(SCRIPT, ['stop', this.folder]);
  }

  // Rows of cells.
  ask(statement) {
    const out = execFileSync('psql', ['-h', this.folder, '-U', 'hub', '-d', 'postgres', '-At', '-F', '|', '-c', statement],
      { encoding: 'utf8' }).trim();
    return out === '' ? [] : out.split('\n').map((row) => row.split('|'));
  }

  close() {
    this.stop();
    fs.rmSync(path.dirname(this.folder), { recursive: true });
  }
}

// Servers that know of each other.
export class NatsCluster {
  constructor(size = 3) {
    this.members = Array.from({ length: size }, (_, i) => ({ port: 4222 + i, clusterPort: 6222 + i }));
    this.urls = this.members.map(({ port }) => `nats://127.0.0.1:${port}`);
    this.folder = makeFolder('nats');
    this.start();
  }

  start(members = this.members) {
    const routes = this.members.map(({ clusterPort }) => `nats://127.0.0.1:${clusterPort}`).join(',');
    for (const member of members) {
      member.process = new Process(`nats-${member.port}`, '/usr/sbin/nats-server', [
        '--addr', '127.0.0.1', '--port', String(member.port), '--cluster_name', 'hubs', '--name', `n${member.port}`,
        '--cluster', `nats://127.0.0.1:${member.clusterPort}`, '--routes', routes]);
    }
  }

  async kill(members = this.members) {
    await Promise.all(members.map(async ({ process }) => {
      process.child.kill('SIGKILL');
      await process.ended;
    }));
  }
}

// Passes connections on, to the first of its backends that takes them. TLS goes through as it is.
export class Balancer {
  static async start(port, backends) {
    const balancer = new Balancer();
    balancer.backends = backends;
    balancer.server = net.createServer((client) => balancer.connect(client, [...balancer.backends]));
    await new Promise((resolve) => balancer.server.listen(port, '127.0.0.1', resolve));
    return balancer;
  }

  connect(client, [backend, ...others]) {
    if (backend === undefined) {
      client.destroy();
      return;
    }
    const server = net.connect(backend, '127.0.0.1');
    const refused = () => this.connect(client, others);
    server.once('error', refused);
    server.once('connect', () => {
      server.off('error', refused);
      for (const [from, to] of [[client, server], [server, client]]) {
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
        from.pipe(to);
      }
    });
  }

  close() {
    this.server.close();
  }
}

// The value of one metric of a process that shows them on `port`.
export async function metric(port, name) {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(text.match(new RegExp(`^${name} (\\S+)$`, 'm'))[1]);
}

// How many milliseconds pass until `ask` returns something true, asked as often as can be.
export async function measure(what, ask, seconds = 20) {
  const begun = performance.now();
  await eventually(what, ask, seconds, 1);
  return performance.now() - begun;
}
