// Maintenance mode with real clients: a meeting goes on and takes people in, nobody begins another, and
// at the deadline everybody is told why it ends.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { RoomServiceClient } from 'livekit-server-sdk';
import { assertPictureAdvances } from './harness/checks.js';
import { joinRoom, viewOf } from './harness/livekit.js';
import { meet } from './harness/livekit_meeting_of_two.js';
import { eventually, ROOT } from './harness/process.js';
import { DEV_KEY, makeToken } from './harness/tokens.js';
import { World } from './harness/world.js';

const CTL = process.env.ISTHMUSCTL ?? path.join(ROOT, 'build/release/bin/isthmusctl');
const SERVER_SHUTDOWN = '3'; // livekit-client's DisconnectReason

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

const ctl = (...args) => JSON.parse(execFileSync(CTL, ['--url', world.node.url(), '--dev', '--json', ...args]));
const ready = async () => (await fetch(`${world.node.url()}/readyz`)).status;

async function postWhip(conference) {
  const token = makeToken({ identity: 'publisher', video: { room: conference, roomJoin: true } });
  return fetch(`${world.node.url()}/whip/${conference}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/sdp' },
    body: 'v=0\r\n',
  });
}

test('a meeting goes on in maintenance, and ends at the deadline', async (t) => {
  const { conference, alice, bob } = await meet(world);
  const other = world.newConference();
  const pending = ctl('maintenance', 'on');
  assert.equal(pending.mode, 'pending');
  assert.equal(pending.conferences, 1);
  assert.equal(pending.participants, 2);
  const hours = (Date.parse(pending.ends_at) - Date.now()) / 3600e3;
  assert.ok(hours > 1.99 && hours < 2.01, `two hours unless said otherwise, not ${hours}`);
  assert.equal(await ready(), 503);

  // The meeting takes people in, and nothing stops.
  const carol = await joinRoom(world, { conference, identity: 'carol', browser: world.watching });
  await carol.firstFrameMs('alice');
  await assertPictureAdvances(viewOf(carol, 'alice'), { seconds: 2 });
  await assertPictureAdvances(viewOf(bob, 'alice'), { seconds: 2 });

  // Nobody begins another.
  await assert.rejects(joinRoom(world, { conference: other, identity: 'dave', browser: world.watching }), (error) => {
    t.diagnostic(`livekit-client says: ${error.message.split('\n')[0]}`);
    return true;
  });
  const refused = await postWhip(other);
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('Retry-After'), '300');
  assert.equal(refused.headers.get('Content-Type'), 'application/problem+json');
  const rooms = new RoomServiceClient(world.node.url(), DEV_KEY.name, DEV_KEY.secret);
  await assert.rejects(rooms.createRoom({ name: other }), { status: 503 });

  // The deadline comes.
  ctl('maintenance', 'on', '--deadline', '1s');
  for (const participant of [alice, bob, carol]) {
    const disconnected = await eventually('it is told', async () => (await participant.events('disconnected'))[0], 10);
    assert.equal(disconnected.text, SERVER_SHUTDOWN);
    await participant.close();
  }
  await eventually('nothing runs any more', () => ctl('maintenance', 'status').mode === 'on', 5);

  // Back in service.
  assert.equal(ctl('maintenance', 'off').mode, 'off');
  assert.equal(await ready(), 200);
  const erin = await joinRoom(world, { conference: other, identity: 'erin' });
  await erin.stop();
  await erin.close();
});
