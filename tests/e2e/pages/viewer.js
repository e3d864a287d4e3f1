// Watches one publisher by WHEP and tells what it sees and hears.
import { Session } from './whip.js';
import { adaptAnswer, selectedPath } from '/e2e/connection.js';
import { BARS, CELLS, HEIGHT, WIDTH, brightnessOf, numberOf } from '/e2e/picture.js';

const FIRST_FRAME_MS_MAX = 20000;

// `descriptors`: asks for the dependency descriptor too, which Chromium leaves out of a viewer's offer.
export async function watch({ url, token, descriptors = false, iceTransportPolicy = 'all', answer }) {
  const pc = new RTCPeerConnection({ iceTransportPolicy, bundlePolicy: 'max-bundle' });
  const video = document.createElement('video');
  const audio = document.createElement('audio');
  video.autoplay = audio.autoplay = true;
  video.muted = audio.muted = true;
  document.body.append(video, audio);
  const ear = await listenTo(pc, audio);
  pc.addEventListener('track', ({ track }) => {
    if (track.kind === 'video') video.srcObject = new MediaStream([track]);
  });
  pc.addTransceiver('audio', { direction: 'recvonly' });
  const transceiver = pc.addTransceiver('video', { direction: 'recvonly' });
  if (descriptors) {
    const extensions = transceiver.getHeaderExtensionsToNegotiate();
    for (const extension of extensions) {
      if (extension.uri.includes('dependency-descriptor')) extension.direction = 'sendrecv';
    }
    transceiver.setHeaderExtensionsToNegotiate(extensions);
  }

  const begun = performance.now();
  const firstFrame = new Promise((resolve, reject) => {
    video.requestVideoFrameCallback(() => resolve(Math.round(performance.now() - begun)));
    setTimeout(() => reject(new Error(`no frame was shown; connection ${pc.connectionState}`)), FIRST_FRAME_MS_MAX);
  });
  firstFrame.catch(() => {}); // for those who do not ask
  const session = await Session.start(pc, url, { token, adaptAnswer: adaptAnswer(answer) });
  return {
    resource: session.resource,
    path: () => selectedPath(pc),
    firstFrameMs: () => firstFrame,
    look: (seconds) => look(video, seconds),
    toneHz: () => ear.toneHz(),
    counters: () => counters(pc),
    codec: () => videoCodec(pc),
    frameWidth: () => video.videoWidth,
    stats: () => pc.getStats(),
    // What the layer URL is told; see docs/openapi.yaml.
    async want(wish) {
      const response = await fetch(`${session.resource}/layer`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
        body: JSON.stringify(wish),
      });
      if (response.status !== 204) throw new Error(`${response.status}: ${await response.text()}`);
    },
    restartIce: () => session.restartIce(),
    stop: () => session.stop(),
  };
}

// Reads the number of each frame that is shown within `seconds`, and how far the bars are from what
// they should be.
export async function look(video, seconds) {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const brightness = (column, row) => context.getImageData(column, row, 1, 1).data[1];
  const seen = { numbers: [], unreadable: 0, barErrorMax: 0 };
  const deadline = performance.now() + seconds * 1000;
  while (await nextFrame(video, deadline)) {
    context.drawImage(video, 0, 0, WIDTH, HEIGHT);
    let code = 0;
    for (let cell = 0; cell < CELLS; ++cell) {
      const column = Math.floor(((cell + 0.5) * WIDTH) / CELLS);
      code = (code << 1) | (brightness(column, 20) > 127 ? 1 : 0);
    }
    const number = numberOf(code);
    if (number === null) {
      ++seen.unreadable;
      continue;
    }
    seen.numbers.push(number);
    BARS.forEach((luma, bar) => {
      const column = Math.floor(((bar + 0.5) * WIDTH) / BARS.length);
      seen.barErrorMax = Math.max(seen.barErrorMax, Math.abs(brightness(column, 80) - brightnessOf(luma)));
    });
  }
  return seen;
}

// True when a frame was shown before the deadline.
function nextFrame(video, deadline) {
  return new Promise((resolve) => {
    const callback = video.requestVideoFrameCallback(() => {
      clearTimeout(timer);
      resolve(true);
    });
    const timer = setTimeout(() => {
      video.cancelVideoFrameCallback(callback);
      resolve(false);
    }, Math.max(0, deadline - performance.now()));
  });
}

// Finds the loudest frequency of what arrives. Chromium feeds the analyser only while an element plays
// the stream too.
async function listenTo(pc, element) {
  const ear = await makeEar(element);
  pc.addEventListener('track', ({ track }) => {
    if (track.kind === 'audio') ear.hear(track);
  });
  return ear;
}

export async function makeEar(element) {
  const context = new AudioContext();
  await context.resume();
  const analyser = context.createAnalyser();
  analyser.fftSize = 8192;
  return {
    hear(track) {
      const stream = new MediaStream([track]);
      element.srcObject = stream;
      context.createMediaStreamSource(stream).connect(analyser);
    },
    toneHz() {
      const bins = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(bins);
      const loudest = bins.reduce((best, level, bin) => (level > bins[best] ? bin : best), 0);
      // Silence has no tone: -60 dB is far below the clip's and far above rounding noise.
      return bins[loudest] > -60 ? (loudest * context.sampleRate) / analyser.fftSize : null;
    },
  };
}

async function videoCodec(pc) {
  const stats = await pc.getStats();
  const video = [...stats.values()].find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video');
  return stats.get(video.codecId).mimeType;
}

async function counters(pc) {
  const inbound = [...(await pc.getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
  const video = inbound.find(({ kind }) => kind === 'video');
  const audio = inbound.find(({ kind }) => kind === 'audio');
  return {
    framesDecoded: video?.framesDecoded ?? 0,
    videoPackets: video?.packetsReceived ?? 0,
    videoLost: video?.packetsLost ?? 0,
    nacks: video?.nackCount ?? 0,
    retransmitted: video?.retransmittedPacketsReceived ?? 0,
    plis: video?.pliCount ?? 0,
    keyFramesDecoded: video?.keyFramesDecoded ?? 0,
    freezes: video?.freezeCount ?? 0,
    videoRepairs: video?.fecPacketsReceived ?? 0,
    dropped: video?.framesDropped ?? 0,
    received: video?.framesReceived ?? 0,
    frameWidth: video?.frameWidth ?? 0,
    audioPackets: audio?.packetsReceived ?? 0,
    audioLost: audio?.packetsLost ?? 0,
    audioDiscarded: audio?.packetsDiscarded ?? 0,
    audioConcealedSamples: audio?.concealedSamples ?? 0,
  };
}
