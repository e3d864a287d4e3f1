// LiveKit's server SDK, unmodified: what people's back ends call, and the webhooks that they get.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { Room, RoomEvent, dispose } from '@livekit/rtc-node';
import { AccessToken, DataPacket_Kind, RoomServiceClient, TwirpError, WebhookReceiver } from 'livekit-server-sdk';
import { Network } from './harness/network.js';
import { NodeProcess } from './harness/node_process.js';
import { eventually } from './harness/process.js';
import { DEV_KEY } from './harness/tokens.js';

let network;
let node;
let rooms;
let hooks;
const events = [];

before(async () => {
  network = await Network.open();
  const receiver = new WebhookReceiver(DEV_KEY.name, DEV_KEY.secret);
  hooks = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    try {
      // Throws where signature or digest are wrong.
      events.push(await receiver.receive(Buffer.concat(chunks).toString(), request.headers.authorization));
      response.writeHead(200).end();
    } catch (error) {
      console.log(`# webhook refused: ${error}`);
      response.writeHead(401).end();
    }
  });
  await new Promise((resolve) => hooks.listen(0, '127.0.0.1', resolve));
  node = await NodeProcess.start({
    config: `webhooks:\n  key: ${DEV_KEY.name}\n  urls: ["http://127.0.0.1:${hooks.address().port}/hook"]\n`,
  });
  rooms = new RoomServiceClient(node.url(), DEV_KEY.name, DEV_KEY.secret);
});
after(async () => {
  await dispose();
  const end = await node?.stop();
  hooks?.closeAllConnections();
  hooks?.close();
  await network?.close();
  assert.equal(end, 'exit status 0');
});

async function join(room, identity, grants = {}) {
  const token = new AccessToken(DEV_KEY.name, DEV_KEY.secret, { identity, name: identity.toUpperCase(), metadata: 'from the token', attributes: { seat: '1' } });
  token.addGrant({ roomJoin: true, room, ...grants });
  const client = new Room();
  await client.connect(node.url().replace('http', 'ws'), await token.toJwt(), { autoSubscribe: true });
  return client;
}

const seenEvents = (name) => events.filter(({ event, room }) => room?.name === name).map(({ event }) => event);

test('rooms are created, listed, described and deleted', async () => {
  const made = await rooms.createRoom({ name: 'made', emptyTimeout: 60, maxParticipants: 2, metadata: 'first' });
  assert.match(made.sid, /^RM_/);
  assert.equal(made.maxParticipants, 2);
  assert.equal((await rooms.createRoom({ name: 'made' })).sid, made.sid, 'creating again is the same room');
  assert.ok((await rooms.listRooms()).some(({ name }) => name === 'made'));
  assert.equal((await rooms.listRooms(['made', 'none'])).length, 1);
  assert.equal((await rooms.updateRoomMetadata('made', 'second')).metadata, 'second');

  const clients = [await join('made', 'a'), await join('made', 'b')];
  assert.equal(clients[0].metadata, 'second');
  await assert.rejects(join('made', 'c'), 'a third is one too many');
  const gone = new Promise((resolve) => clients[0].on(RoomEvent.Disconnected, resolve));
  await rooms.deleteRoom('made');
  await gone;
  assert.equal((await rooms.listRooms(['made'])).length, 0);
  await eventually('webhooks', () => seenEvents('made').includes('room_finished'));
  const seen = seenEvents('made');
  assert.equal(seen[0], 'room_started');
  assert.equal(seen.filter((event) => event === 'participant_joined').length, 2);
  assert.equal(seen.filter((event) => event === 'participant_left').length, 2);
  await Promise.all(clients.map((client) => client.disconnect()));
});

test('participants are listed, changed, muted and removed', async () => {
  const alice = await join('people', 'alice');
  const bob = await join('people', 'bob');
  await eventually('both are active', async () => (await rooms.listParticipants('people')).every(({ state }) => state === 2));
  const info = await rooms.getParticipant('people', 'alice');
  assert.equal(info.name, 'ALICE');
  assert.equal(info.metadata, 'from the token');
  assert.equal(info.attributes.seat, '1');

  const updated = await rooms.updateParticipant('people', 'alice', { metadata: 'new', name: 'Al', attributes: { seat: '2' }, permission: { canPublish: false, canSubscribe: true, canPublishData: true } });
  assert.equal(updated.metadata, 'new');
  assert.equal(updated.permission.canPublish, false);
  await eventually('bob is told', () => {
    const seen = bob.remoteParticipants.get('alice');
    return seen.name === 'Al' && seen.metadata === 'new' && seen.attributes.seat === '2';
  });

  const heard = new Promise((resolve) => bob.on(RoomEvent.DataReceived, (payload, participant, kind, topic) => resolve(`${topic} ${new TextDecoder().decode(payload)}`)));
  await rooms.sendData('people', new TextEncoder().encode('hello'), DataPacket_Kind.RELIABLE, { destinationIdentities: ['bob'], topic: 'news' });
  assert.equal(await heard, 'news hello');

  const removed = new Promise((resolve) => bob.on(RoomEvent.Disconnected, resolve));
  await rooms.removeParticipant('people', 'bob');
  await removed;
  await assert.rejects(rooms.getParticipant('people', 'bob'), (error) => error instanceof TwirpError && error.code === 'not_found');
  await alice.disconnect();
});

test('tracks are muted and subscriptions changed from outside', async () => {
  const { AudioSource, LocalAudioTrack, TrackPublishOptions, TrackSource } = await import('@livekit/rtc-node');
  const alice = await join('tracks', 'alice');
  const bob = await join('tracks', 'bob');
  const options = new TrackPublishOptions();
  options.source = TrackSource.SOURCE_MICROPHONE;
  const subscribed = new Promise((resolve) => bob.on(RoomEvent.TrackSubscribed, resolve));
  const publication = await alice.localParticipant.publishTrack(LocalAudioTrack.createAudioTrack('quiet', new AudioSource(48000, 1)), options);
  await subscribed;
  const sid = publication.sid;
  const [track] = (await rooms.getParticipant('tracks', 'alice')).tracks;
  assert.equal(track.sid, sid);
  assert.equal((await rooms.mutePublishedTrack('tracks', 'alice', sid, true)).muted, true);
  await eventually('bob is told', () => bob.remoteParticipants.get('alice').trackPublications.get(sid).muted);

  // This SDK says nothing when a section falls silent, so the node is asked.
  const sentToBob = async () => {
    const answer = await fetch(`${node.url()}/api/v1/conferences/tracks/stats`, {
      headers: { Authorization: `Basic ${Buffer.from(`${DEV_KEY.name}:${DEV_KEY.secret}`).toString('base64')}` },
    });
    const found = (await answer.json()).participants.find(({ identity }) => identity === 'bob');
    return found.subscriptions.filter(({ track_id }) => track_id === sid).length;
  };
  assert.equal(await sentToBob(), 1);
  await rooms.updateSubscriptions('tracks', 'bob', [sid], false);
  await eventually('bob is sent nothing', async () => (await sentToBob()) === 0);
  await rooms.updateSubscriptions('tracks', 'bob', [sid], true);
  await eventually('bob is sent it again', async () => (await sentToBob()) === 1);
  await eventually('webhooks', () => seenEvents('tracks').includes('track_published'));
  await Promise.all([alice.disconnect(), bob.disconnect()]);
  await eventually('track_unpublished', () => seenEvents('tracks').includes('track_unpublished'));
});

test('who lacks the grant is refused', async () => {
  const stranger = new RoomServiceClient(node.url(), DEV_KEY.name, 'x'.repeat(40));
  await assert.rejects(stranger.listRooms(), (error) => error.status === 401);
  await assert.rejects(rooms.getParticipant('none', 'nobody'), (error) => error.code === 'not_found');
  await assert.rejects(rooms.mutePublishedTrack('none', 'nobody', 'TR_x', true), (error) => error.code === 'not_found');
});
