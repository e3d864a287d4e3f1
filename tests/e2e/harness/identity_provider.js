// A real provider of OpenID Connect (npm's oidc-provider) on the loopback address, behind TLS with an authority of its own;
// and the browser part, as HTTP: cookies, redirects, the provider's own forms.
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import Provider from 'oidc-provider';
import { makeFolder } from './process.js';

const PEOPLE = {
  alice: { sub: 'alice', preferred_username: 'alice', email: 'alice@example.test', groups: ['staff', 'hub-admins'] },
  bob: { sub: 'bob', preferred_username: 'bob', email: 'bob@example.test', groups: ['staff'] },
  carol: { sub: 'carol', preferred_username: 'carol', email: 'alice@example.test', groups: ['visitors'] },
};

export class IdentityProvider {
  // Its certificate is there from now on; it answers from serve() on, when it knows its client.
  static prepare({ port, groupsInToken = true }) {
    const provider = new IdentityProvider();
    provider.folder = makeFolder('identity-provider');
    provider.port = port;
    provider.issuer = `https://127.0.0.1:${port}`;
    provider.authorities = path.join(provider.folder, 'authority.crt');
    provider.groupsInToken = groupsInToken;
    const key = path.join(provider.folder, 'provider.key');
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
      '-subj', '/CN=identity provider', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', provider.authorities],
    { stdio: 'ignore' });
    provider.tls = { key: fs.readFileSync(key), cert: fs.readFileSync(provider.authorities) };
    return provider;
  }

  async serve(client) {
    this.client = client;
    this.useKey('first', 'RS256');
    await this.listen();
  }

  // Signs with another key from now on; the one before is published no more.
  useKey(kid, algorithm) {
    const pair = algorithm === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : algorithm === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
    const jwk = { ...pair.privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: algorithm };
    const { groupsInToken } = this;
    this.requests = this.requests ?? [];
    this.provider = new Provider(this.issuer, {
      clients: [{ ...this.client, id_token_signed_response_alg: algorithm }],
      jwks: { keys: [jwk] },
      enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
      claims: { openid: ['sub'], profile: ['preferred_username'], email: ['email'], groups: ['groups'] },
      scopes: ['openid', 'profile', 'email', 'groups'],
      conformIdTokenClaims: !groupsInToken,
      pkce: { required: () => true, methods: ['S256'] },
      cookies: { keys: ['a key of the test'] },
      features: { devInteractions: { enabled: true } },
      findAccount: (_context, id) => PEOPLE[id] && { accountId: id, claims: () => PEOPLE[id] },
    });
    this.callback = this.provider.callback();
  }

  async listen() {
    this.server = https.createServer(this.tls, (request, response) => {
      this.requests.push(`${request.method} ${request.url.split('?')[0]}`);
      this.callback(request, response);
    });
    await new Promise((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

// Somebody's browser, who signs in and agrees. Every certificate is good to it.
export class Browser {
  constructor(login) {
    this.login = login;
    this.cookies = new Map(); // by host
  }

  // Follows redirects and fills in forms until a page comes that is none of the provider's. `stop`: an address not to go to.
  async visit(url, { stop = () => false } = {}) {
    let next = { method: 'GET', url };
    for (let i = 0; i < 20; ++i) {
      if (stop(next.url)) return { url: next.url };
      const page = await this.#fetch(next);
      const to = page.headers.location;
      const form = page.body.match(/<form[^>]*action="([^"]+)"[^>]*method="post"[^>]*>([\s\S]*?)<\/form>/);
      if (to) next = { method: 'GET', url: new URL(to, next.url).href };
      else if (form) {
        const fields = [...form[2].matchAll(/name="([^"]+)"(?:[^>]*value="([^"]*)")?/g)].map(([, name, value]) =>
          [name, name === 'login' ? this.login : name === 'password' ? 'any' : value ?? '']);
        next = { method: 'POST', url: new URL(form[1], next.url).href, body: new URLSearchParams(fields).toString() };
      } else return { url: next.url, status: page.status, body: page.body };
    }
    throw new Error(`the provider sends the browser round and round: ${next.url}`);
  }

  #fetch({ method, url, body }) {
    const { host, protocol } = new URL(url);
    if (protocol === 'http:') return fetch(url).then(async (answer) => ({ status: answer.status, headers: {}, body: await answer.text() }));
    const jar = this.cookies.get(host) ?? new Map();
    this.cookies.set(host, jar);
    const headers = { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') };
    if (body) headers['content-type'] = 'application/x-www-form-urlencoded';
    return new Promise((resolve, reject) => {
      const request = https.request(url, { method, headers, rejectUnauthorized: false }, (response) => {
        let text = '';
        response.on('data', (piece) => (text += piece));
        response.on('end', () => {
          for (const cookie of response.headers['set-cookie'] ?? []) {
            const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/);
            if (value === '') jar.delete(name);
            else jar.set(name, value);
          }
          resolve({ status: response.statusCode, headers: response.headers, body: text });
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  }
}
