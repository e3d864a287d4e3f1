// People sign in to the hub through their organisation's identity provider: a real one, a real isthmusctl, the browser as HTTP.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Hub } from './harness/hub.js';
import { Browser, IdentityProvider } from './harness/identity_provider.js';
import { makeFolder, ROOT } from './harness/process.js';

const CTL = process.env.ISTHMUS_CTL ?? path.join(ROOT, 'build/release/bin/isthmusctl');
const CLIENT = {
  client_id: 'isthmus-hub',
  client_secret: 'a secret of the client: & %',
  response_types: ['code'],
  grant_types: ['authorization_code'],
  token_endpoint_auth_method: 'client_secret_basic',
};

let provider;
let hub;
before(async () => {
  provider = IdentityProvider.prepare({ port: 9443 });
  hub = await Hub.start({ more: ['--outbound-authorities', provider.authorities] });
  const { redirectUri } = await configure();
  await provider.serve({ ...CLIENT, redirect_uris: [redirectUri] });
});
after(async () => {
  await hub?.stop();
  await provider?.stop();
});

function configure(...more) {
  const secret = path.join(hub.folder, 'client-secret');
  fs.writeFileSync(secret, `${CLIENT.client_secret}\n`);
  return hub.ask('identity-provider', 'set', '--issuer', provider.issuer, '--client-id', CLIENT.client_id,
    '--client-secret-file', secret, '--scopes', 'profile,email,groups', '--claim', 'groups',
    '--rules', 'hub-admins=full,staff=readonly', ...more);
}

// isthmusctl of somebody who is logged in nowhere yet. `type`: what is typed once it shows its address.
function logIn(args, { home = makeFolder('home'), type } = {}) {
  const { ISTHMUS_HUB, ISTHMUS_HUB_TOKEN, DISPLAY, WAYLAND_DISPLAY, ...env } = process.env;
  const child = spawn(CTL, ['--insecure', 'hub', '--hub', `https://127.0.0.1:${hub.port}`, 'login', '--oidc', ...args],
    { env: { ...env, XDG_CONFIG_HOME: home }, stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  const address = new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (piece) => {
        output += piece;
        const url = output.match(/^https:\S+\n/m);
        if (url) resolve(url[0].trim());
      });
    }
    child.on('exit', () => resolve(null));
  });
  const ended = new Promise((resolve) => child.on('exit', (status) => resolve({ status, output, home })));
  address.then((url) => url && type?.(url).then((text) => child.stdin.end(`${text}\n`)));
  return { address, ended };
}

// All of it, as a person does it.
async function signIn(name, ...args) {
  const program = logIn(args);
  const address = await program.address;
  const page = address && await new Browser(name).visit(address);
  return { ...(await program.ended), page };
}

function whoami(home) {
  return new Promise((resolve, reject) => {
    const { ISTHMUS_HUB, ISTHMUS_HUB_TOKEN, ...env } = process.env;
    const child = spawn(CTL, ['--insecure', '--json', 'hub', 'whoami'], { env: { ...env, XDG_CONFIG_HOME: home } });
    let text = '';
    child.stdout.on('data', (piece) => (text += piece));
    child.on('exit', (status) => (status === 0 ? resolve(JSON.parse(text)) : reject(new Error(`whoami: ${status}`))));
  });
}

const refusals = async () => (await hub.ask('audit')).items.filter(({ action }) => action === 'person.login.refuse').map((item) => item.new.why);

test('people of the provider sign in with the roles of their groups', async (t) => {
  const begun = performance.now();
  const alice = await signIn('alice');
  assert.equal(alice.status, 0, alice.output);
  t.diagnostic(`signed in after ${Math.round(performance.now() - begun)} ms`);
  assert.match(alice.page.body, /can be closed/);
  const { name, role, operator } = await whoami(alice.home);
  assert.deepEqual({ name, role, operator }, { name: 'alice', role: 'full', operator: false });
  const bob = await signIn('bob', '--organization', 'Default');
  assert.equal((await whoami(bob.home)).role, 'readonly');
  const again = await signIn('alice');
  assert.equal((await whoami(again.home)).id, (await whoami(alice.home)).id);
});

test('whom no rule fits is refused, and the administrator sees why', async () => {
  const carol = await signIn('carol'); // who has alice's e-mail address
  assert.notEqual(carol.status, 0);
  assert.match(carol.output, /no rule of the organisation lets that person in/);
  assert.match((await refusals())[0], /no rule/);
  assert.ok(!(await hub.ask('person', 'list')).items.some(({ name }) => name === 'carol'));
});

test('who says no at the provider is told so', async () => {
  const program = logIn([]);
  const asked = new URL(await program.address).searchParams;
  const [state, back] = [asked.get('state'), asked.get('redirect_uri')];
  await new Browser('alice').visit(`${back}?error=access_denied&state=${encodeURIComponent(state)}`);
  const { status, output } = await program.ended;
  assert.notEqual(status, 0);
  assert.match(output, /access_denied/);
});

test('where the browser is on another machine, its code is typed', async () => {
  const { ended } = logIn(['--paste'], {
    type: async (url) => (await new Browser('alice').visit(url)).body.match(/<code>(\w+)<\/code>/)[1],
  });
  const { status, output, home } = await ended;
  assert.equal(status, 0, output);
  assert.equal((await whoami(home)).name, 'alice');
});

test('a code that was brought to another program is worth nothing', async () => {
  const program = logIn([]);
  const stop = (url) => url.startsWith('http://127.0.0.1');
  const { url } = await new Browser('alice').visit(await program.address, { stop });
  const code = new URL(url).searchParams.get('code');
  const { ended } = logIn(['--paste'], { type: async () => code });
  const { status, output } = await ended;
  assert.notEqual(status, 0);
  assert.match(output, /another program began/);
  await fetch(url); // and it is used up
  assert.notEqual((await program.ended).status, 0);
});

test('the provider changes its key and the kind of it', async () => {
  provider.useKey('second', 'ES256');
  const alice = await signIn('alice');
  assert.equal(alice.status, 0, alice.output);
});

test('groups that only UserInfo says count too', async () => {
  provider.groupsInToken = false;
  provider.useKey('second', 'ES256'); // another key of that name: the hub must see through it
  const wrong = await signIn('alice');
  assert.notEqual(wrong.status, 0);
  assert.match(wrong.output, /signature of the ID token is wrong/);
  // The hub starts anew and knows no keys.
  await hub.stop();
  await hub.launch();
  const before = provider.requests.length;
  const alice = await signIn('alice');
  assert.equal(alice.status, 0, alice.output);
  assert.equal((await whoami(alice.home)).role, 'full');
  assert.ok(provider.requests.slice(before).includes('GET /me'), provider.requests.slice(before).join());
});

test('passwords are switched off but for one', async () => {
  await hub.ask('person', 'add', 'dora', '--role', 'full');
  await hub.ask('identity-provider', 'passwords', 'emergency', '--administrator', 'admin');
  const { mode } = await hub.ask('identity-provider', 'show').then(({ passwords }) => ({ mode: passwords }));
  assert.equal(mode, 'emergency');
  assert.equal((await hub.logInAs('admin')).status, 200);
  assert.equal((await signIn('alice')).status, 0);
  await hub.ask('identity-provider', 'passwords', 'on');
});

test('the hub calls the provider through a proxy', async () => {
  const tunnels = [];
  const proxy = http.createServer((request, response) => response.writeHead(403).end());
  proxy.on('connect', (request, socket) => {
    const user = Buffer.from((request.headers['proxy-authorization'] ?? '').split(' ')[1] ?? '', 'base64').toString();
    tunnels.push(`${user} ${request.url}`);
    if (user !== 'hub:pass') {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="corp"\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const [host, port] = request.url.split(':');
    const further = net.connect(port, host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(further).pipe(socket);
    });
    further.on('error', () => socket.destroy());
    socket.on('error', () => further.destroy());
  });
  await new Promise((resolve) => proxy.listen(3129, '127.0.0.1', resolve));
  await hub.stop();
  hub.args.push('--outbound-proxy', 'http://hub:pass@127.0.0.1:3129');
  await hub.launch();
  const alice = await signIn('alice');
  assert.equal(alice.status, 0, alice.output);
  assert.ok(tunnels.includes('hub:pass 127.0.0.1:9443'), tunnels.join());
  proxy.closeAllConnections();
  proxy.close();
  hub.args.splice(-2);
});

test('a provider that is away is said to be', async () => {
  await hub.stop();
  await hub.launch();
  await provider.stop();
  const alice = await signIn('alice');
  assert.notEqual(alice.status, 0);
  assert.match(alice.output, /identity provider/);
  await provider.listen();
});
