// livekit-client loses its socket and comes back to the same session.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertSees, happens, leave, meet } from './harness/livekit_meeting_of_two.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

for (const scenario of [
  'signal-reconnect',
  'disconnect-signal-on-resume',
  'disconnect-signal-on-resume-no-messages',
]) {
  test(`${scenario}: the session goes on`, async (t) => {
    const { alice, bob } = await meet(world);
    for (const [name, participant] of [['viewer', bob], ['publisher', alice]]) {
      const sid = await participant.sid();
      const ms = await happens(participant, 'reconnected', () => participant.run(`room.simulateScenario("${scenario}")`));
      t.diagnostic(`${name}: reconnected after ${ms} ms`);
      assert.equal(await participant.run('room.localParticipant.sid'), sid, 'the same participant');
      await assertSees(bob);
    }
    await leave(bob, alice);
  });
}
