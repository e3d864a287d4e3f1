// A participant by livekit-client, unmodified, that publishes the known clip and tells what it sees and
// hears of the others.
import * as LiveKit from '/npm/livekit-client.esm.mjs';
import { look, makeEar } from '/e2e/viewer.js';

const { Room, RoomEvent, Track } = LiveKit;
LiveKit.setLogLevel('warn');

export async function join({ url, token, room: options = {}, connect = {} }) {
  const begun = performance.now();
  const room = new Room(options);
  const events = [];
  for (const name of Object.values(RoomEvent)) {
    room.on(name, (...args) => events.push({ name, ms: Math.round(performance.now() - begun), text: brief(args) }));
  }
  const seen = new Map(); // by identity and source
  room.on(RoomEvent.TrackSubscribed, async (track, publication, participant) => {
    const key = `${participant.identity} ${publication.source}`;
    const entry = { track, frames: null };
    seen.set(key, entry);
    if (track.kind === Track.Kind.Video) {
      const video = track.attach();
      video.muted = true;
      video.width = 1280;
      video.height = 720;
      // Chromium shows nothing of a video that is out of view.
      video.style = 'position: fixed; top: 0; left: 0';
      document.body.append(video);
      entry.video = video;
      entry.firstFrame = new Promise((resolve) => {
        video.requestVideoFrameCallback(() => resolve(Math.round(performance.now() - begun)));
      });
    } else {
      const audio = document.createElement('audio');
      audio.autoplay = audio.muted = true;
      document.body.append(audio);
      entry.ear = await makeEar(audio);
      entry.ear.hear(track.mediaStreamTrack);
    }
  });
  room.on(RoomEvent.TrackUnsubscribed, (track, publication, participant) => {
    seen.delete(`${participant.identity} ${publication.source}`);
    for (const element of track.detach()) element.remove();
  });
  const data = [];
  room.on(RoomEvent.DataReceived, (payload, participant, kind, topic) => {
    data.push({ text: new TextDecoder().decode(payload), from: participant?.identity, topic });
  });
  await room.connect(url, token, connect);
  const connectedMs = Math.round(performance.now() - begun);
  window.room = room;
  window.LiveKit = LiveKit;

  const find = (identity, source) => seen.get(`${identity} ${source}`);
  return {
    connectedMs: () => connectedMs,
    mode: () => room.engine.pcManager.mode,
    sid: () => room.localParticipant.sid,
    state: () => room.state,
    // An expression with `room` and `LiveKit`, for what needs no name here.
    run: async (code) => (await Function('room', 'LiveKit', `return (async () => (${code}))()`)(room, LiveKit)) ?? null,
    publishCamera: async (publish = {}, capture = {}) => {
      await room.localParticipant.setCameraEnabled(true, { resolution: { width: 320, height: 180 }, ...capture }, publish);
    },
    publishMicrophone: async () => {
      await room.localParticipant.setMicrophoneEnabled(true);
    },
    participants: () => [...room.remoteParticipants.values()].map(({ identity }) => identity).sort(),
    subscribed: () => [...seen.keys()].sort(),
    firstFrameMs: async (identity, source = 'camera') => {
      for (let i = 0; i < 200 && !find(identity, source); ++i) await new Promise((resolve) => setTimeout(resolve, 50));
      const entry = find(identity, source);
      if (!entry) throw new Error(`no ${source} of ${identity}: ${JSON.stringify(events.slice(-20))}`);
      return Promise.race([
        entry.firstFrame,
        new Promise((_, reject) => {
          setTimeout(() => reject(new Error('no frame was shown')), 15000);
        }),
      ]);
    },
    look: (seconds, identity, source = 'camera') => look(find(identity, source).video, seconds),
    toneHz: (identity) => find(identity, 'microphone')?.ear?.toneHz() ?? null,
    size: (identity, source = 'camera') => {
      const video = find(identity, source)?.video;
      return video ? [video.videoWidth, video.videoHeight] : null;
    },
    data: () => data,
    send: async (text, sending = {}) => {
      await room.localParticipant.publishData(new TextEncoder().encode(text), { reliable: true, ...sending });
    },
    events: (name) => events.filter((event) => !name || event.name === name),
    stop: () => room.disconnect(),
  };
}

function brief(args) {
  return args
    .map((arg) => arg?.identity ?? arg?.trackSid ?? arg?.sid ?? (typeof arg === 'object' ? '' : String(arg)))
    .join(' ');
}
