// How long a picture stops while a signaling socket is lost and found again.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertSees, count, happens, leave, meet } from './harness/livekit_meeting_of_two.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

for (const [who, options] of [
  ['viewer', {}],
  ['publisher', {}],
  ['viewer with two connections', { room: { singlePeerConnection: false } }],
]) {
  test(`the ${who} loses the socket: the same media goes on`, async (t) => {
    const { alice, bob } = await meet(world, options);
    await bob.page.bringToFront();
    await assertSees(bob);
    const before = await bob.incoming('alice');
    await bob.watchGaps('alice');
    await sleep(3000); // the gaps that there are anyway
    const usual = await bob.longestGap('alice');
    await bob.watchGaps('alice');
    const cut = who === 'publisher' ? alice : bob;
    const ms = await happens(cut, 'reconnected', () => cut.cutSocket());
    await sleep(2000);
    const gap = await bob.longestGap('alice');
    t.diagnostic(`reconnected after ${ms} ms; longest time without a frame ${gap.ms} ms in ${gap.frames} frames, before that ${usual.ms} ms in ${usual.frames}`);
    const after = await bob.incoming('alice');
    assert.equal(after.ssrc, before.ssrc, 'the same stream');
    assert.ok(after.framesReceived > before.framesReceived);
    assert.equal(await count(bob, 'trackUnsubscribed'), 0, 'the same subscription');
    await assertSees(bob);
    await leave(bob, alice);
  });
}
