// Camera and microphone, and the connections that carry them.
import { Session } from './whip.js';
import { whepUrl, whipUrl } from './api.js';

const SENTENCES = {
  NotAllowedError: 'The browser did not allow the camera and microphone. Allow them for this page, then try again.',
  NotFoundError: 'No camera or microphone was found.',
  NotReadableError: 'The camera or microphone is in use by another program.',
};

// Camera and microphone; the microphone alone where there is no camera.
export async function openDevices() {
  if (!navigator.mediaDevices) {
    throw new Error('The browser gives cameras only to secure pages: open this one over https:// or on 127.0.0.1.');
  }
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: { ideal: 1280 }, height: { ideal: 720 } } });
  } catch (error) {
    if (error.name === 'NotFoundError') {
      return navigator.mediaDevices.getUserMedia({ audio: true }).catch(explain);
    }
    return explain(error);
  }
}

function explain(error) {
  throw new Error(SENTENCES[error.name] ?? `The camera or microphone does not work: ${error.message}`);
}

export async function publish(stream, { conference, token, onGone }) {
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  for (const track of stream.getTracks()) {
    pc.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
  }
  return Session.start(pc, whipUrl(conference), { token, onGone });
}

// `onTrack` is told each track of the participant as it arrives.
export async function watch(identity, { conference, token, onTrack, onGone }) {
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  pc.addEventListener('track', ({ track }) => onTrack(track));
  pc.addTransceiver('audio', { direction: 'recvonly' });
  pc.addTransceiver('video', { direction: 'recvonly' });
  return Session.start(pc, whepUrl(conference, identity), { token, onGone });
}
