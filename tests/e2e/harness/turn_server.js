// Debian's coturn: TURN over TLS only, with credentials from a shared secret (the TURN REST API's
// scheme: draft-uberti-behave-turn-rest-00), and a certificate of its own.
import { createHash, X509Certificate } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { SERVER_IPV4 } from './network.js';
import { makeFolder, Process } from './process.js';

const PORT = 5349; // RFC 8656 section 18.6
export const TURN_SECRET = 'a secret that coturn and the node share';

function makeCertificate(folder) {
  const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'certificate.pem')];
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=turn.test', '-addext', `subjectAltName=IP:${SERVER_IPV4}`],
    ...['-keyout', key, '-out', certificate],
  ], { stdio: 'ignore' });
  return { key, certificate };
}

export class TurnServer {
  static async start() {
    const server = new TurnServer();
    const folder = makeFolder('turn');
    const { key, certificate } = makeCertificate(folder);
    server.port = PORT;
    server.url = `turns:${SERVER_IPV4}:${PORT}?transport=tcp`;
    server.certificate = new X509Certificate(fs.readFileSync(certificate));
    server.process = new Process('turnserver', 'turnserver', [
      ...['-n', '--no-cli', '--log-file=stdout', '--simple-log', '--verbose'],
      ...[`--pidfile=${path.join(folder, 'pid')}`, `--userdb=${path.join(folder, 'turndb')}`],
      ...['--realm=isthmus.test', '--fingerprint', '--use-auth-secret', `--static-auth-secret=${TURN_SECRET}`],
      ...[`--listening-ip=${SERVER_IPV4}`, `--relay-ip=${SERVER_IPV4}`, `--tls-listening-port=${PORT}`],
      ...['--no-udp', '--no-tcp', '--no-dtls', `--cert=${certificate}`, `--pkey=${key}`],
    ]);
    await server.process.waitUntil('it listens', () => /TLS.*listener opened/i.test(server.process.output()));
    return server;
  }

  // Chromium trusts certificates with this key: nobody signed it.
  get browserFlag() {
    const spki = this.certificate.publicKey.export({ type: 'spki', format: 'der' });
    return `--ignore-certificate-errors-spki-list=${createHash('sha256').update(spki).digest('base64')}`;
  }

  stop() {
    return this.process.stop();
  }
}
