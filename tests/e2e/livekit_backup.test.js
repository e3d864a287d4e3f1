// A camera in VP9 with VP8 as its backup, and a browser that cannot play VP9.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertPictureAdvances } from './harness/checks.js';
import { joinRoom, viewOf } from './harness/livekit.js';
import { leave } from './harness/livekit_meeting_of_two.js';
import { eventually } from './harness/process.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

const WITHOUT = ['vp9', 'av1', 'h265'];

async function assertPlays(participant, codec) {
  await eventually(`${codec} comes`, async () => {
    const incoming = await participant.incoming('alice');
    if (incoming?.codec?.toLowerCase() !== `video/${codec}`) throw new Error(JSON.stringify(incoming));
    return true;
  }, 20);
  await participant.page.bringToFront();
  await assertPictureAdvances(viewOf(participant, 'alice'), { seconds: 2, pace: 0.3 });
}

for (const [name, backupCodecPolicy, carolPlays] of [
  ['everybody gets the backup', undefined, 'vp8'],
  ['each gets what it plays', 1, 'vp9'],
]) {
  test(`one viewer cannot play VP9: ${name}`, async (t) => {
    const conference = world.newConference();
    const alice = await joinRoom(world, { conference, identity: 'alice' });
    await alice.publishCamera({ videoCodec: 'vp9', backupCodec: true, backupCodecPolicy });
    const carol = await joinRoom(world, { conference, identity: 'carol', browser: world.watching });
    await carol.firstFrameMs('alice');
    await assertPlays(carol, 'vp9');
    assert.deepEqual(await alice.sent('camera', { backup: 'vp8' }), [], 'not sent while nobody needs it');
    const begun = performance.now();
    const bob = await joinRoom(world, { conference, identity: 'bob', browser: world.watching, without: WITHOUT });
    await bob.firstFrameMs('alice');
    t.diagnostic(`first frame ${Math.round(performance.now() - begun)} ms after bob began to join`);
    await assertPlays(bob, 'vp8');
    await assertPlays(carol, carolPlays);
    assert.deepEqual(await carol.subscribed(), ['alice camera'], 'one track to her');
    await leave(bob, carol, alice);
  });
}

test('nothing else is there to be had: the viewer is told', async () => {
  const conference = world.newConference();
  const alice = await joinRoom(world, { conference, identity: 'alice' });
  await alice.publishCamera({ videoCodec: 'vp9', backupCodec: false });
  await eventually('the codec is known', async () => (await alice.codec())?.toLowerCase() === 'video/vp9', 10);
  const bob = await joinRoom(world, { conference, identity: 'bob', browser: world.watching, without: WITHOUT });
  await eventually('bob is told', async () => (await bob.events('trackSubscriptionFailed')).length > 0, 10);
  await leave(bob, alice);
});
