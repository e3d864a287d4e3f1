// livekit-client joins anew where its session cannot go on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertSees, happens, leave, meet } from './harness/livekit_meeting_of_two.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

for (const scenario of ['resume-reconnect', 'full-reconnect', 'leave-full-reconnect', 'migration', 'node-failure']) {
  test(`${scenario}: a new session takes the place of the old`, async (t) => {
    const { alice, bob } = await meet(world);
    for (const [name, participant] of [['viewer', bob], ['publisher', alice]]) {
      const sid = await participant.sid();
      const ms = await happens(participant, 'reconnected', () => participant.run(`room.simulateScenario("${scenario}")`));
      t.diagnostic(`${name}: reconnected after ${ms} ms`);
      assert.notEqual(await participant.run('room.localParticipant.sid'), sid);
      await assertSees(bob);
    }
    assert.deepEqual(await alice.participants(), ['bob']);
    await leave(bob, alice);
  });
}
