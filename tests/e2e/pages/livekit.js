// A participant by livekit-client, unmodified, that publishes the known clip and tells what it sees and
// hears of the others.
import * as LiveKit from '/npm/livekit-client.esm.mjs';
import { FRAMES_PER_SECOND, HEIGHT, WIDTH } from '/e2e/picture.js';
import { enlarge } from '/e2e/publisher.js';
import { look, makeEar } from '/e2e/viewer.js';

const { Room, RoomEvent, Track } = LiveKit;
LiveKit.setLogLevel('warn');

// So that a test can cut the one that is in use.
const sockets = [];
globalThis.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args);
    sockets.push(this);
  }
};

// A browser that lacks some codecs: nothing of them is offered to be received.
function receiveWithout(codecs) {
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (kind, init) {
    const transceiver = add.call(this, kind, init);
    if (kind === 'video' && init?.direction === 'recvonly') {
      const all = RTCRtpReceiver.getCapabilities('video').codecs;
      transceiver.setCodecPreferences(all.filter(({ mimeType }) => !codecs.includes(mimeType.slice(6).toLowerCase())));
    }
    return transceiver;
  };
}

// `key`: encrypts end to end. `without`: codecs that it does not play. `show`: of a picture's element, where 1280x720 is not wanted.
export async function join({ url, token, room: options = {}, connect = {}, key, without = [], show = [1280, 720] }) {
  if (without.length > 0) receiveWithout(without);
  const encryption = key && (await encrypt(key));
  const begun = performance.now();
  const room = new Room({ ...options, ...(encryption && { encryption }) });
  if (encryption) await room.setE2EEEnabled(true);
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
      [video.width, video.height] = show;
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
    // The clip in another size: an encoder makes several sizes of a large picture only.
    publishEnlarged: async (width, publish = {}) => {
      const stream = await navigator.mediaDevices.getUserMedia({
        video: { width: WIDTH, height: HEIGHT, frameRate: FRAMES_PER_SECOND },
      });
      const track = await enlarge(stream.getVideoTracks()[0], width);
      await room.localParticipant.publishTrack(track, { source: Track.Source.Camera, ...publish });
    },
    // What each encoding sends, smallest first; `active` is as the client has set it.
    sent: async (source = 'camera', { backup } = {}) => {
      const { track } = room.localParticipant.getTrackPublication(source);
      const sender = backup ? track.simulcastCodecs.get(backup)?.sender : track.sender;
      if (!sender) return [];
      const active = sender.getParameters().encodings;
      return [...(await sender.getStats()).values()]
        .filter(({ type }) => type === 'outbound-rtp')
        .map(({ rid, frameWidth, framesEncoded, scalabilityMode }) => ({
          rid, frameWidth, framesEncoded, scalabilityMode,
          active: active.find((encoding) => encoding.rid === rid)?.active ?? active[0].active,
        }))
        .sort((a, b) => (a.frameWidth ?? 0) - (b.frameWidth ?? 0));
    },
    codec: async (source = 'camera') => {
      const stats = await room.localParticipant.getTrackPublication(source).track.sender.getStats();
      const sending = [...stats.values()].find(({ type, codecId }) => type === 'outbound-rtp' && codecId);
      return sending ? stats.get(sending.codecId).mimeType : null;
    },
    show: (width, height, identity, source = 'camera') => {
      Object.assign(find(identity, source).video, { width, height });
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
    // Closes the signaling socket under the client.
    cutSocket: () => sockets.at(-1).close(),
    // What the node sends a picture in: its SSRC and codec, and what has come of it.
    incoming: async (identity, source = 'camera') => {
      const stats = await find(identity, source).track.receiver.getStats();
      return [...stats.values()]
        .filter(({ type, framesReceived }) => type === 'inbound-rtp' && framesReceived > 0)
        .map(({ ssrc, codecId, framesReceived }) => ({ ssrc, framesReceived, codec: stats.get(codecId)?.mimeType }))[0] ?? null;
    },
    // How the connection to the node goes.
    protocol: async () => {
      const stats = [...(await room.engine.pcManager.publisher.getStats()).values()];
      const { selectedCandidatePairId } = stats.find(({ type }) => type === 'transport');
      const pair = stats.find(({ id }) => id === selectedCandidatePairId);
      return stats.find(({ id }) => id === pair?.remoteCandidateId)?.protocol ?? null;
    },
    // Begins to note when frames arrive; `longestGap` tells the longest time without one until now.
    watchGaps: (identity, source = 'camera') => {
      const entry = find(identity, source);
      const arrivals = (entry.arrivals = []);
      const note = (now, { receiveTime }) => {
        if (entry.arrivals !== arrivals) return; // begun anew
        arrivals.push(receiveTime ?? now);
        entry.video.requestVideoFrameCallback(note);
      };
      entry.video.requestVideoFrameCallback(note);
    },
    longestGap: (identity, source = 'camera') => {
      const { arrivals } = find(identity, source);
      const gaps = arrivals.slice(1).map((at, i) => at - arrivals[i]);
      return { frames: arrivals.length, ms: Math.round(Math.max(...gaps)) };
    },
    data: () => data,
    send: async (text, sending = {}) => {
      await room.localParticipant.publishData(new TextEncoder().encode(text), { reliable: true, ...sending });
    },
    events: (name) => events.filter((event) => !name || event.name === name),
    stop: () => room.disconnect(),
  };
}

async function encrypt(key) {
  const keyProvider = new LiveKit.ExternalE2EEKeyProvider();
  await keyProvider.setKey(key);
  return { keyProvider, worker: new Worker('/npm/livekit-client.e2ee.worker.mjs', { type: 'module' }) };
}

function brief(args) {
  return args
    .map((arg) => arg?.identity ?? arg?.trackSid ?? arg?.sid ?? (typeof arg === 'object' ? '' : String(arg)))
    .join(' ');
}
