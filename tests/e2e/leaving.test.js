// How the others notice that somebody has gone, and what a late joiner waits for.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertPictureAdvances, assertWatches } from './harness/checks.js';
import { World } from './harness/world.js';

// The node gives up on a publisher after 15 s without a packet; the rest is for the poll and the machine.
const SILENCE_SECONDS_MAX = 15 + 3;

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

test('DELETE takes a publisher out at once', async (t) => {
  const conference = world.newConference();
  const publisher = await world.publish({ conference });
  await world.waitForPresence(conference, 'alice', true, 5);
  await publisher.stop();
  t.diagnostic(`gone after ${await world.waitForPresence(conference, 'alice', false, 2)} ms`);
  await publisher.close();
});

test('a goodbye by DTLS takes a publisher out at once', async (t) => {
  const conference = world.newConference();
  const publisher = await world.publish({ conference });
  await publisher.path();
  await world.waitForPresence(conference, 'alice', true, 5);
  // Chromium sends a DTLS close_notify when a connection is closed.
  await publisher.page.evaluate(() => window.peer.hangUp());
  t.diagnostic(`gone after ${await world.waitForPresence(conference, 'alice', false, 3)} ms`);
  await publisher.close();
});

test('a browser that is killed is noticed, and nobody else is harmed', async (t) => {
  const conference = world.newConference();
  const doomed = await world.launchPublisher();
  const victim = await world.publish({ conference, identity: 'mallory', browser: doomed });
  const publisher = await world.publish({ conference, codec: 'VP8' });
  const viewer = await world.watch({ conference });
  await victim.path();
  await assertWatches(viewer);
  await doomed.kill();
  const gone = world.waitForPresence(conference, 'mallory', false, SILENCE_SECONDS_MAX);
  await assertPictureAdvances(viewer);
  t.diagnostic(`gone after ${await gone} ms`);
  await assertPictureAdvances(viewer, { seconds: 2 });
  const identities = (await world.participants(conference)).map(({ identity }) => identity);
  assert.ok(identities.includes('alice'));
  await viewer.stop();
  await publisher.stop();
});

test('a late joiner gets a key frame', async (t) => {
  const conference = world.newConference();
  const publisher = await world.publish({ conference, codec: 'VP8' });
  const first = await world.watch({ conference });
  await assertWatches(first);
  const late = await world.watch({ conference, identity: 'carol' });
  await assertWatches(late);
  t.diagnostic(`first frame after ${await late.firstFrameMs()} ms`);
  await late.stop();
  await assertPictureAdvances(first, { seconds: 2 });
  await first.stop();
  await publisher.stop();
});
