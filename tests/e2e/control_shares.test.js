// A node that serves two organisations: one has it, the other accepts it, sees that it works, and can do nothing to it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Agent } from './harness/agent.js';
import { Hub } from './harness/hub.js';
import { eventually } from './harness/process.js';

let hub;
let agent;
let guest; // the hub as the other organisation's administrator sees it
let id; // of the guest's organisation
before(async () => {
  hub = await Hub.start();
  agent = new Agent('cloud');
  assert.equal((await agent.enroll(await hub.newCode())).status, 0);
  agent.start();
  await hub.waitForNode('cloud', (node) => node.connected);
  const made = await hub.ask('organization', 'add', 'Guest', '--administrator', 'guest');
  id = made.id;
  guest = await hub.as('guest', made.oneTimePassword);
});
after(async () => {
  await agent?.close();
  await hub?.stop();
});

test('a guest sees an offer, accepts it, and sees the state of the node', async () => {
  assert.deepEqual((await guest.ask('shared', 'list')).items, []);
  assert.match(await hub.failure('share', 'offer', 'cloud', 'Guest'), /no organisation of this id/);
  await hub.ask('share', 'offer', 'cloud', id);
  const [offer] = (await guest.ask('shared', 'list')).items;
  assert.equal(offer.name, 'cloud');
  assert.equal(offer.state, 'offered');
  assert.equal(offer.status, undefined);
  await guest.ask('shared', 'accept', 'cloud');
  const node = await guest.ask('shared', 'show', 'cloud');
  assert.equal(node.connected, true);
  assert.equal(node.status, (await hub.node('cloud')).status);
  assert.deepEqual((await guest.ask('shared', 'usage', 'cloud')).items, []);
  assert.equal((await hub.ask('share', 'list', 'cloud')).items[0].state, 'accepted');
});

test('and gives no commands', async () => {
  for (const command of [['maintenance', 'on', 'cloud'], ['node', 'ping', 'cloud'], ['node', 'restart', 'cloud', 'node'],
    ['node', 'show', 'cloud'], ['node', 'events', 'cloud'], ['config', 'show-node', 'cloud'], ['share', 'offer', 'cloud', id]]) {
    assert.match(await guest.failure(...command), /no such node/, command.join(' '));
  }
  assert.deepEqual((await guest.ask('node', 'list')).items, []);
  assert.deepEqual(await hub.commands('cloud'), []);
});

test('the end of it is seen at once, by both', async () => {
  await agent.kill();
  await eventually('the guest sees that it is gone', async () => !(await guest.ask('shared', 'show', 'cloud')).connected);
  await hub.ask('share', 'end', 'cloud', id);
  assert.deepEqual((await guest.ask('shared', 'list')).items, []);
  const told = async (who) => (await who.ask('audit')).items.map(({ action }) => action);
  for (const who of [hub, guest]) {
    for (const action of ['node.share.offer', 'node.share.accept', 'node.share.end']) assert.ok((await told(who)).includes(action));
  }
});
