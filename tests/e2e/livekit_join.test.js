// livekit-client, unmodified, in two browsers: each joins, publishes, and sees and hears the other.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertPictureAdvances, assertToneIsHeard } from './harness/checks.js';
import { joinRoom, viewOf } from './harness/livekit.js';
import { eventually } from './harness/process.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

test('two participants see and hear each other', async (t) => {
  const conference = world.newConference();
  const alice = await joinRoom(world, { conference, identity: 'alice' });
  assert.equal(await alice.mode(), 'publisher-only');
  await alice.publishCamera();
  await alice.publishMicrophone();
  const bob = await joinRoom(world, { conference, identity: 'bob', browser: world.watching });
  t.diagnostic(`first frame ${await bob.firstFrameMs('alice')} ms after bob began to join (connected ${await bob.connectedMs()} ms)`);
  await assertPictureAdvances(viewOf(bob, 'alice'));
  await assertToneIsHeard(viewOf(bob, 'alice'));
  assert.deepEqual(await bob.participants(), ['alice']);
  await eventually('alice knows of bob', async () => (await alice.participants()).includes('bob'), 5);
  await bob.stop();
  await eventually('alice knows that bob is gone', async () => (await alice.participants()).length === 0, 5);
  await alice.stop();
});
