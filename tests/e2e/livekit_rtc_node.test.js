// A conference of clients that are no browsers: LiveKit's SDK for Node (libwebrtc by way of its Rust SDK),
// unmodified.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  AudioFrame,
  AudioSource,
  AudioStream,
  LocalAudioTrack,
  LocalVideoTrack,
  Room,
  RoomEvent,
  TrackKind,
  TrackPublishOptions,
  TrackSource,
  VideoBufferType,
  VideoFrame,
  VideoSource,
  VideoStream,
  dispose,
} from '@livekit/rtc-node';
import { setTimeout as delay } from 'node:timers/promises';
import { Network } from './harness/network.js';
import { NodeProcess } from './harness/node_process.js';
import { eventually } from './harness/process.js';
import { makeToken } from './harness/tokens.js';

const TONE_HZ = 440;
const RATE_HZ = 48000;
const [WIDTH, HEIGHT] = [640, 360];
// Brightness steps by this with each picture, so that pictures can be told apart after coding.
const LUMA_STEP = 40;

let network;
let node;
before(async () => {
  network = await Network.open();
  node = await NodeProcess.start();
});
after(async () => {
  await dispose();
  const end = await node?.stop();
  await network?.close();
  assert.equal(end, 'exit status 0');
});

async function join(conference, identity, video = {}) {
  const room = new Room();
  const token = makeToken({ identity, video: { room: conference, roomJoin: true, canUpdateOwnMetadata: true, ...video } });
  await room.connect(node.url().replace('http', 'ws'), token, { autoSubscribe: true, dynacast: true });
  return room;
}

// Publishes a tone until the returned function is called.
async function publishTone(room) {
  const source = new AudioSource(RATE_HZ, 1);
  const options = new TrackPublishOptions();
  options.source = TrackSource.SOURCE_MICROPHONE;
  await room.localParticipant.publishTrack(LocalAudioTrack.createAudioTrack('tone', source), options);
  const samples = RATE_HZ / 100;
  let going = true;
  let at = 0;
  const feeding = (async () => {
    while (going) {
      const frame = new Int16Array(samples);
      for (let i = 0; i < samples; ++i) frame[i] = 12000 * Math.sin((2 * Math.PI * TONE_HZ * (at + i)) / RATE_HZ);
      at += samples;
      await source.captureFrame(new AudioFrame(frame, RATE_HZ, 1, samples));
    }
  })();
  return async () => {
    going = false;
    await feeding;
  };
}

async function publishPictures(room) {
  const source = new VideoSource(WIDTH, HEIGHT);
  const options = new TrackPublishOptions();
  options.source = TrackSource.SOURCE_CAMERA;
  await room.localParticipant.publishTrack(LocalVideoTrack.createVideoTrack('pictures', source), options);
  let picture = 0;
  const timer = setInterval(() => {
    const bytes = new Uint8Array((WIDTH * HEIGHT * 3) / 2).fill(128);
    bytes.fill(40 + ((picture * LUMA_STEP) % 160), 0, WIDTH * HEIGHT);
    source.captureFrame(new VideoFrame(bytes, WIDTH, HEIGHT, VideoBufferType.I420), BigInt(picture * 100_000));
    ++picture;
  }, 100);
  return () => clearInterval(timer);
}

const nextTrack = (room, kind) =>
  new Promise((resolve) => {
    room.on(RoomEvent.TrackSubscribed, (track) => track.kind === kind && resolve(track));
  });

// Of the first second that is not silent.
async function frequencyOf(track) {
  let crossings = 0;
  let samples = 0;
  let before = 0;
  for await (const frame of new AudioStream(track, RATE_HZ, 1)) {
    if (samples === 0 && !frame.data.some((sample) => Math.abs(sample) > 3000)) continue;
    for (const sample of frame.data) {
      if (before < 0 && sample >= 0) ++crossings;
      before = sample;
    }
    samples += frame.data.length;
    if (samples >= RATE_HZ) return (crossings * RATE_HZ) / samples;
  }
  throw new Error('the track ended');
}

// The size of pictures, and how many brightnesses were seen among the first so many.
async function look(track, pictures) {
  const seen = new Set();
  let size;
  let count = 0;
  for await (const { frame } of new VideoStream(track)) {
    const i420 = frame.convert(VideoBufferType.I420);
    size = `${i420.width}x${i420.height}`;
    const middle = i420.width * (i420.height >> 1) + (i420.width >> 1);
    seen.add(Math.round((i420.data[middle] - 40) / LUMA_STEP));
    if (++count >= pictures) break;
  }
  return { size, brightnesses: seen.size };
}

test('sound and pictures go from one to another', async () => {
  const bob = await join('media', 'bob');
  const [sound, picture] = [nextTrack(bob, TrackKind.KIND_AUDIO), nextTrack(bob, TrackKind.KIND_VIDEO)];
  const alice = await join('media', 'alice');
  const quiet = await publishTone(alice);
  const dark = await publishPictures(alice);

  const hertz = await frequencyOf(await sound);
  assert.ok(Math.abs(hertz - TONE_HZ) < 10, `${hertz} Hz is heard`);
  const seen = await look(await picture, 20);
  assert.match(seen.size, /^(640x360|320x180)$/);
  assert.ok(seen.brightnesses >= 3, `${seen.brightnesses} different pictures`);

  // Who comes later sees and hears the same.
  const carol = new Room();
  const late = nextTrack(carol, TrackKind.KIND_VIDEO);
  await carol.connect(node.url().replace('http', 'ws'), makeToken({ identity: 'carol', video: { room: 'media', roomJoin: true } }), {
    autoSubscribe: true,
  });
  assert.ok((await look(await late, 5)).size);
  assert.deepEqual([...carol.remoteParticipants.keys()].sort(), ['alice', 'bob']);

  dark();
  await quiet();
  const left = new Promise((resolve) => bob.on(RoomEvent.ParticipantDisconnected, ({ identity }) => identity === 'alice' && resolve()));
  await alice.disconnect();
  await left;
  await Promise.all([bob.disconnect(), carol.disconnect()]);
});

test('data, text and calls go to those whom they are for', async () => {
  const rooms = await Promise.all(['alice', 'bob', 'carol'].map((identity) => join('data', identity)));
  const [alice, bob, carol] = rooms;
  await eventually('all know each other', () => rooms.every((room) => room.remoteParticipants.size === 2));
  const received = { bob: [], carol: [] };
  for (const [name, room] of [['bob', bob], ['carol', carol]]) {
    room.on(RoomEvent.DataReceived, (payload, participant, kind, topic) =>
      received[name].push(`${participant?.identity} ${topic} ${new TextDecoder().decode(payload)}`),
    );
  }
  const encode = (text) => new TextEncoder().encode(text);
  await alice.localParticipant.publishData(encode('all'), { reliable: true, topic: 't' });
  await alice.localParticipant.publishData(encode('bob'), { reliable: true, topic: 't', destination_identities: ['bob'] });
  await eventually('messages', () => received.bob.length === 2 && received.carol.length === 1);
  assert.deepEqual(received.bob, ['alice t all', 'alice t bob']);
  assert.deepEqual(received.carol, ['alice t all']);
  // Lossy ones may be lost, though not on a line that loses nothing.
  await alice.localParticipant.publishData(encode('soon'), { reliable: false, topic: 'l' });
  await eventually('a lossy message', () => received.bob.includes('alice l soon'));

  bob.localParticipant.registerRpcMethod('add', async ({ callerIdentity, payload }) => `${callerIdentity}: ${Number(payload) + 1}`);
  assert.equal(await alice.localParticipant.performRpc({ destinationIdentity: 'bob', method: 'add', payload: '41' }), 'alice: 42');

  // More than one message can hold.
  const text = 'a long story, '.repeat(10_000);
  const told = new Promise((resolve) =>
    carol.registerTextStreamHandler('story', async (reader, { identity }) => resolve({ identity, text: await reader.readAll() })),
  );
  await alice.localParticipant.sendText(text, { topic: 'story', destinationIdentities: ['carol'] });
  const story = await told;
  assert.equal(story.identity, 'alice');
  assert.equal(story.text.length, text.length);
  assert.equal(story.text, text);
  await Promise.all(rooms.map((room) => room.disconnect()));
});

test('names, metadata and attributes are told to everybody', async () => {
  const alice = await join('told', 'alice');
  const bob = await join('told', 'bob');
  await eventually('bob is known', () => alice.remoteParticipants.has('bob'));
  await bob.localParticipant.updateMetadata('{"seat": 7}');
  await bob.localParticipant.updateName('Robert');
  await bob.localParticipant.setAttributes({ hand: 'up' });
  const seen = () => alice.remoteParticipants.get('bob');
  await eventually('all of it', () => seen().metadata === '{"seat": 7}' && seen().name === 'Robert' && seen().attributes.hand === 'up');
  await Promise.all([alice.disconnect(), bob.disconnect()]);
});

test('ten publish and see all others', async () => {
  const count = 10;
  const rooms = [];
  const subscribed = [];
  const stops = [];
  for (let i = 0; i < count; ++i) {
    const room = new Room();
    const tracks = [];
    room.on(RoomEvent.TrackSubscribed, (track) => tracks.push(track));
    await room.connect(node.url().replace('http', 'ws'), makeToken({ identity: `p${i}`, video: { room: 'ten', roomJoin: true } }), { autoSubscribe: true });
    stops.push(await publishPictures(room));
    rooms.push(room);
    subscribed.push(tracks);
  }
  await eventually('everybody is sent nine videos', () => subscribed.every((tracks) => tracks.length === count - 1), 30);
  for (const track of subscribed[3]) {
    const seen = await Promise.race([look(track, 8), delay(20_000, null, { ref: false })]);
    assert.ok(seen && seen.brightnesses >= 2, 'each of them moves');
  }
  stops.forEach((stop) => stop());
  await Promise.all(rooms.map((room) => room.disconnect()));
});
