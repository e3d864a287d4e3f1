// Alice, who publishes, and bob, who watches her: for tests of what they do, and of what breaks between
// them and the node.
import { assertPictureAdvances, assertToneIsHeard } from './checks.js';
import { joinRoom, viewOf } from './livekit.js';
import { eventually } from './process.js';

// `options` are bob's.
export async function meet(world, options = {}) {
  const conference = world.newConference();
  const alice = await joinRoom(world, { conference, identity: 'alice' });
  await alice.publishCamera();
  await alice.publishMicrophone();
  const bob = await joinRoom(world, { conference, identity: 'bob', browser: world.watching, ...options });
  await bob.firstFrameMs('alice');
  return { conference, alice, bob };
}

export const count = async (participant, name) => (await participant.events(name)).length;

// `name` has happened, with `text` in it where one is given.
export const happened = (participant, name, text) =>
  eventually(`${name} ${text ?? ''}`, async () => (await participant.events(name)).some((event) => !text || event.text.includes(text)), 10);

// How long `action` takes until `name` has happened once more.
export async function happens(participant, name, action) {
  const before = await count(participant, name);
  const begun = performance.now();
  await action();
  await eventually(name, async () => (await count(participant, name)) > before, 25);
  return Math.round(performance.now() - begun);
}

export async function assertSeesPicture(participant, identity) {
  await participant.firstFrameMs(identity);
  await assertPictureAdvances(viewOf(participant, identity), { seconds: 2 });
}

export async function assertSees(bob) {
  await eventually('bob has both tracks', async () => (await bob.subscribed()).length === 2, 15);
  await bob.firstFrameMs('alice');
  await assertPictureAdvances(viewOf(bob, 'alice'), { seconds: 2, pace: 0.3 });
  await assertToneIsHeard(viewOf(bob, 'alice'));
}

export async function leave(...participants) {
  for (const participant of participants) {
    await participant.stop();
    await participant.close();
  }
}
