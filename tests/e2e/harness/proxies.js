// Real proxies: squid, which asks for a user by Digest or Basic, and mitmproxy, which opens TLS.
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { makeFolder, Process } from './process.js';

function listens(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

export class Squid {
  // `scheme`: digest or basic. `hosts`: names that only this proxy can look up. It lets through to `port` only.
  static async start({ scheme = 'digest', hosts = [], port }) {
    const squid = new Squid();
    const folder = makeFolder('squid');
    // It gives its rights up, to a user who may write there.
    fs.chmodSync(folder, 0o777);
    fs.writeFileSync(path.join(folder, 'hosts'), hosts.map((name) => `127.0.0.1 ${name}\n`).join(''));
    fs.writeFileSync(path.join(folder, 'digest'), 'node:pass word@1\n');
    // openssl passwd -1 -salt isthmus1 "pass word@1"
    fs.writeFileSync(path.join(folder, 'basic'), 'node:$1$isthmus1$HPIW61e0Sy2NhIIajMPfi1\n');
    const helper = scheme === 'digest' ? 'digest_file_auth' : 'basic_ncsa_auth';
    fs.writeFileSync(path.join(folder, 'squid.conf'), `
http_port 127.0.0.1:3128
hosts_file ${folder}/hosts
auth_param ${scheme} program /usr/lib/squid/${helper} ${folder}/${scheme}
auth_param ${scheme} children 1
auth_param ${scheme} realm corp
acl known proxy_auth REQUIRED
acl hub port ${port}
http_access deny !hub
http_access allow CONNECT known
http_access deny all
cache deny all
pid_filename none
access_log stdio:${folder}/access.log
cache_log ${folder}/cache.log
coredump_dir ${folder}
shutdown_lifetime 1 second
`);
    squid.accessLog = path.join(folder, 'access.log');
    squid.process = new Process('squid', 'squid', ['-N', '-f', path.join(folder, 'squid.conf')]);
    await squid.process.waitUntil('it listens', () => listens(3128), 30);
    return squid;
  }

  url({ user = 'node', password = 'pass word@1' } = {}) {
    return `http://${user}:${encodeURIComponent(password)}@127.0.0.1:3128`;
  }

  // Lines like "TCP_TUNNEL/200 ... CONNECT hub.corp.test:8443 node ...".
  accesses() {
    return fs.readFileSync(this.accessLog, 'utf8').trim().split('\n');
  }

  stop() {
    return this.process.stop();
  }
}

export class Mitmproxy {
  static async start() {
    const proxy = new Mitmproxy();
    proxy.folder = makeFolder('mitmproxy');
    proxy.process = new Process('mitmdump', 'mitmdump', ['--listen-host', '127.0.0.1', '--listen-port', '8888',
      '--ssl-insecure', '--set', `confdir=${proxy.folder}`, '--set', 'http2=false', '--set', 'flow_detail=4',
      '--set', 'termlog_verbosity=debug']);
    await proxy.process.waitUntil('it listens', () => listens(8888), 60);
    return proxy;
  }

  get url() {
    return 'http://127.0.0.1:8888';
  }

  get authority() {
    return path.join(this.folder, 'mitmproxy-ca-cert.pem');
  }

  // What it saw: it decrypts everything.
  seen() {
    return this.process.output();
  }

  stop() {
    return this.process.stop();
  }
}
