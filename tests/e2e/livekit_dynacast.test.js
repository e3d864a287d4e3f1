// The publisher is told which of its sizes nobody watches, and stops making them.
import { after, before, test } from 'node:test';
import { assertPictureAdvances } from './harness/checks.js';
import { viewOf } from './harness/livekit.js';
import { assertGets, leave, meetInLayers, wantQuality } from './harness/livekit_layers.js';
import { eventually } from './harness/process.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

const activeRids = async (participant) =>
  (await participant.sent()).filter(({ active }) => active).map(({ rid }) => rid).sort().join('');

async function assertActive(t, participant, rids, seconds) {
  const begun = performance.now();
  await eventually(`the encodings [${rids}] are active`, async () => {
    const active = await activeRids(participant);
    if (active !== rids) throw new Error(`[${active}] are`);
    return true;
  }, seconds);
  t.diagnostic(`[${rids}] after ${Math.round(performance.now() - begun)} ms`);
}

test('dynacast: what nobody watches is not sent', async (t) => {
  const { alice, bob } = await meetInLayers(t, world, { publish: { videoCodec: 'vp8' }, alice: { room: { dynacast: true } } });
  await assertActive(t, alice, 'fhq', 10);
  await wantQuality(bob, 'LOW');
  await assertGets(t, bob, 320);
  await assertActive(t, alice, 'q', 15);
  await assertPictureAdvances(viewOf(bob, 'alice'), { seconds: 2, pace: 0.1 });
  await wantQuality(bob, 'HIGH');
  await assertActive(t, alice, 'fhq', 3);
  await assertGets(t, bob, 1280);
  await bob.run('[...room.remoteParticipants.values()][0].getTrackPublication("camera").setSubscribed(false)');
  await assertActive(t, alice, '', 15);
  await bob.run('[...room.remoteParticipants.values()][0].getTrackPublication("camera").setSubscribed(true)');
  await assertActive(t, alice, 'fhq', 5);
  await eventually('bob sees again', async () => (await bob.subscribed()).includes('alice camera'), 10);
  await bob.firstFrameMs('alice');
  await assertPictureAdvances(viewOf(bob, 'alice'), { seconds: 2, pace: 0.1 });
  await leave(bob, alice);
});
