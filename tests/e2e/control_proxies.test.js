// A node whose only way to its hub is a proxy: one that asks for a user, one that opens TLS. The hub's name is known to
// the proxy alone, as where machines have no DNS to the outside.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Agent } from './harness/agent.js';
import { Hub } from './harness/hub.js';
import { Mitmproxy, Squid } from './harness/proxies.js';
import { eventually } from './harness/process.js';

const HOST = 'hub.corp.test';

let named;
before(async () => (named = await Hub.start({ host: HOST })));
after(() => named?.stop());

// Enrols and connects; returns the agent.
async function join(t, hub, name, { options = [], config }) {
  const agent = new Agent(name, { config });
  t.after(() => agent.close());
  const begun = performance.now();
  const enrolled = await agent.enroll(await hub.newCode(), ...options);
  assert.equal(enrolled.status, 0, enrolled.output);
  agent.start();
  await hub.waitForNode(name, (node) => node.connected);
  t.diagnostic(`enrolled and connected after ${Math.round(performance.now() - begun)} ms`);
  return agent;
}

for (const scheme of ['digest', 'basic']) {
  test(`a node enrols and connects through squid with ${scheme}`, async (t) => {
    const squid = await Squid.start({ scheme, hosts: [HOST], port: named.port });
    t.after(() => squid.stop());
    const agent = await join(t, named, `squid-${scheme}`, { config: `proxy: {url: "${squid.url()}"}` });
    await named.ask('node', 'ping', agent.name, '--wait');
    assert.ok(squid.accesses().some((line) => line.includes(`CONNECT ${HOST}:8443 node`)), squid.accesses().join('\n'));
    const doctor = await agent.run('doctor');
    assert.equal(doctor.status, 0, doctor.output);
    assert.match(doctor.output, /ok +proxy: 127\.0\.0\.1/);
    assert.match(doctor.output, /ok +hub: it proved its key/);
    assert.match(doctor.output, /note +TLS certificate/);
  });
}

test('what the proxy does not like is said with what to do', async (t) => {
  const squid = await Squid.start({ hosts: [HOST], port: named.port });
  t.after(() => squid.stop());
  const agent = new Agent('refused');
  const code = await named.newCode();
  const cases = [
    [[], /Step 3 of 5, checking the hub, failed: cannot find hub\.corp\.test.*What to do: .*--proxy/s],
    [['--proxy', squid.url({ password: 'wrong' })], /failed: the proxy: it does not accept the user or the password.*What to do/s],
    [['--proxy', 'http://127.0.0.1:3128'], /failed: the proxy: it wants a user and a password \(Digest\).*What to do/s],
    [['--proxy', 'http://127.0.0.1:1'], /failed: the proxy: cannot connect to 127\.0\.0\.1:1.*What to do/s],
  ];
  for (const [options, expected] of cases) {
    const failed = await agent.enroll(code, ...options);
    assert.notEqual(failed.status, 0);
    assert.match(failed.output, expected);
  }
  const stopped = await agent.enroll('nonsense');
  assert.match(stopped.output, /Step 1 of 5, reading the code, failed/);
  // None of these spent the code.
  const enrolled = await agent.enroll(code, '--proxy', squid.url());
  assert.equal(enrolled.status, 0, enrolled.output);
});

test('a node connects through a proxy that opens TLS, which sees everything and can do nothing', async (t) => {
  await named.stop();
  const hub = await Hub.start({ port: 8444 });
  t.after(() => hub.stop());
  const proxy = await Mitmproxy.start();
  t.after(() => proxy.stop());
  const agent = await join(t, hub, 'inspected', {
    config: `proxy: {url: "${proxy.url}"}\nauthorities_file: ${proxy.authority}`,
  });
  assert.equal(agent.status().certificate_note, '', 'the proxy\'s authority convinces');
  await hub.ask('node', 'ping', 'inspected', '--wait');
  await eventually('the proxy has seen the channel', () => /authenticate/.test(proxy.seen()));
  // Without the authority it goes on too, for the hub proves its key, and says so.
  const careless = await join(t, hub, 'careless', { config: `proxy: {url: "${proxy.url}"}` });
  assert.notEqual(careless.status().certificate_note, '');
});
