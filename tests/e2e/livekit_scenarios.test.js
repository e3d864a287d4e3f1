// What ends a session for good, what only looks so, and a node that starts anew.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertSees, count, happens, leave, meet } from './harness/livekit_meeting_of_two.js';
import { eventually } from './harness/process.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

test('server-leave ends the session for good', async () => {
  const { alice, bob } = await meet(world);
  await happens(alice, 'disconnected', () => alice.run('room.simulateScenario("server-leave")'));
  assert.equal(await alice.state(), 'disconnected');
  await eventually('bob is alone', async () => (await bob.participants()).length === 0, 5);
  await leave(bob, alice);
});

test('speaker makes the client an active speaker, for a while', async () => {
  const { alice, bob } = await meet(world);
  const speakers = () => bob.run('room.activeSpeakers.map(({ identity }) => identity)');
  await bob.run('room.simulateScenario("speaker")');
  await eventually('bob speaks', async () => (await speakers()).includes('bob'), 5);
  await eventually('bob is silent', async () => !(await speakers()).includes('bob'), 10);
  await leave(bob, alice);
});

test('force-tcp: the client comes back by TCP', async () => {
  const { alice, bob } = await meet(world);
  assert.equal(await bob.protocol(), 'udp');
  await happens(bob, 'reconnected', () => bob.run('room.simulateScenario("force-tcp")'));
  await assertSees(bob);
  assert.equal(await bob.protocol(), 'tcp');
  assert.equal(await alice.protocol(), 'udp', 'nobody else is concerned');
  await leave(bob, alice);
});

// Without a TURN server that speaks TLS there is nothing to switch to.
test('force-tls: the client comes back as it was', async () => {
  const { alice, bob } = await meet(world);
  await happens(bob, 'reconnected', () => bob.run('room.simulateScenario("force-tls")'));
  await assertSees(bob);
  await leave(bob, alice);
});

test('subscriber-bandwidth: the node says that it does not, and nothing breaks', async () => {
  const { alice, bob } = await meet(world);
  await bob.run('room.simulateScenario("subscriber-bandwidth", 100000)');
  await assertSees(bob);
  assert.equal(await count(bob, 'reconnecting'), 0);
  await leave(bob, alice);
});

test('a node that starts anew is joined anew', async (t) => {
  const { alice, bob } = await meet(world);
  const sid = await bob.sid();
  const begun = performance.now();
  await world.restartNode();
  for (const participant of [alice, bob]) {
    await eventually('it is back', async () => (await count(participant, 'reconnected')) > 0, 40);
  }
  t.diagnostic(`both are back after ${Math.round(performance.now() - begun)} ms`);
  assert.notEqual(await bob.run('room.localParticipant.sid'), sid);
  await assertSees(bob);
  await leave(bob, alice);
});
