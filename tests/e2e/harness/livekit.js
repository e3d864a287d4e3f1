// Participants by livekit-client in pages of their own; the handle's methods are those of
// pages/livekit.js.
import { makeToken } from './tokens.js';
import { startPage } from './world.js';

export async function joinRoom(world, { conference, identity, browser = world.publishing, video = {}, ...options }) {
  const token = makeToken({
    identity,
    key: world.key,
    video: { room: conference, roomJoin: true, canUpdateOwnMetadata: true, ...video },
  });
  const page = await browser.open();
  return startPage(page, '/e2e/livekit.js', 'join', { url: world.node.url().replace('http', 'ws'), token, ...options });
}

// One participant's camera and microphone, as harness/checks.js looks at a viewer.
export function viewOf(participant, identity) {
  return {
    look: (seconds) => participant.look(seconds, identity),
    toneHz: () => participant.toneHz(identity),
  };
}
