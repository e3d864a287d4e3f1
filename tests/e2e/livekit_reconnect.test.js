// What livekit-client can be asked to simulate, and what happens when the node forgets it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertPictureAdvances, assertToneIsHeard } from './harness/checks.js';
import { joinRoom, viewOf } from './harness/livekit.js';
import { eventually } from './harness/process.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

async function meet() {
  const conference = world.newConference();
  const alice = await joinRoom(world, { conference, identity: 'alice' });
  await alice.publishCamera();
  await alice.publishMicrophone();
  const bob = await joinRoom(world, { conference, identity: 'bob', browser: world.watching });
  await bob.firstFrameMs('alice');
  return { conference, alice, bob };
}

const count = async (participant, name) => (await participant.events(name)).length;

// How long `action` takes until `name` has happened once more.
async function happens(participant, name, action) {
  const before = await count(participant, name);
  const begun = performance.now();
  await action();
  await eventually(name, async () => (await count(participant, name)) > before, 25);
  return Math.round(performance.now() - begun);
}

async function assertSees(bob) {
  await eventually('bob has both tracks', async () => (await bob.subscribed()).length === 2, 15);
  await bob.firstFrameMs('alice');
  await assertPictureAdvances(viewOf(bob, 'alice'), { seconds: 2, pace: 0.3 });
  await assertToneIsHeard(viewOf(bob, 'alice'));
}

async function leave(...participants) {
  for (const participant of participants) {
    await participant.stop();
    await participant.close();
  }
}

for (const [scenario, keeps] of [
  ['signal-reconnect', true],
  ['resume-reconnect', false],
  ['full-reconnect', false],
  ['leave-full-reconnect', false],
  ['disconnect-signal-on-resume', true],
  ['disconnect-signal-on-resume-no-messages', true],
  ['migration', false],
  ['node-failure', false],
]) {
  test(`${scenario}: who watches sees again, who publishes is seen again`, async (t) => {
    const { alice, bob } = await meet();
    for (const [name, participant] of [['viewer', bob], ['publisher', alice]]) {
      const sid = await participant.sid();
      const ms = await happens(participant, 'reconnected', () => participant.run(`room.simulateScenario("${scenario}")`));
      t.diagnostic(`${name}: reconnected after ${ms} ms`);
      assert.equal((await participant.run('room.localParticipant.sid')) === sid, keeps, 'the same participant');
      await assertSees(bob);
    }
    assert.deepEqual(await alice.participants(), ['bob']);
    await leave(bob, alice);
  });
}

test('server-leave ends the session for good', async () => {
  const { alice, bob } = await meet();
  await happens(alice, 'disconnected', () => alice.run('room.simulateScenario("server-leave")'));
  assert.equal(await alice.state(), 'disconnected');
  await eventually('bob is alone', async () => (await bob.participants()).length === 0, 5);
  await leave(bob, alice);
});

test('speaker makes the client an active speaker, for a while', async () => {
  const { alice, bob } = await meet();
  const speakers = () => bob.run('room.activeSpeakers.map(({ identity }) => identity)');
  await bob.run('room.simulateScenario("speaker")');
  await eventually('bob speaks', async () => (await speakers()).includes('bob'), 5);
  await eventually('bob is silent', async () => !(await speakers()).includes('bob'), 10);
  await leave(bob, alice);
});

test('a node that starts anew is joined anew', async (t) => {
  const { alice, bob } = await meet();
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
