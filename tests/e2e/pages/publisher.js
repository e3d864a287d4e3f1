// Publishes the browser's camera and microphone by WHIP.
import { Session } from '/meet/whip.js';
import { adaptAnswer, preferCodec, preferRed, selectedPath } from '/e2e/connection.js';
import { FRAMES_PER_SECOND, HEIGHT, WIDTH } from '/e2e/picture.js';

export async function publish({ url, token, codec, red = false, iceTransportPolicy = 'all', answer }) {
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { width: WIDTH, height: HEIGHT, frameRate: FRAMES_PER_SECOND },
    // What cleans up speech removes a steady tone.
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  });
  const pc = new RTCPeerConnection({ iceTransportPolicy, bundlePolicy: 'max-bundle' });
  const [audio] = stream.getAudioTracks();
  const [video] = stream.getVideoTracks();
  const sound = pc.addTransceiver(audio, { direction: 'sendonly', streams: [stream] });
  if (red) preferRed(sound);
  const transceiver = pc.addTransceiver(video, { direction: 'sendonly', streams: [stream] });
  if (codec) preferCodec(transceiver, codec);
  const session = await Session.start(pc, url, { token, adaptAnswer: adaptAnswer(answer) });
  return {
    resource: session.resource,
    path: () => selectedPath(pc),
    restartIce: () => session.restartIce(),
    stop: () => session.stop(),
    // Leaves without telling the node by HTTP: only DTLS says goodbye.
    hangUp: () => pc.close(),
  };
}
