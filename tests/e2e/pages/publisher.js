// Publishes the browser's camera and microphone by WHIP.
import { Session } from './whip.js';
import { adaptAnswer, preferCodec, preferRed, selectedPath } from '/e2e/connection.js';
import { FRAMES_PER_SECOND, HEIGHT, WIDTH } from '/e2e/picture.js';

// `encodings` are RTCRtpEncodingParameters: simulcast, or a scalabilityMode. `width`: of the picture that
// is encoded; larger than the clip's where several sizes are to be made of it.
export async function publish({
  url,
  token,
  codec,
  encodings,
  width,
  red = false,
  iceTransportPolicy = 'all',
  answer,
}) {
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { width: WIDTH, height: HEIGHT, frameRate: FRAMES_PER_SECOND },
    // What cleans up speech removes a steady tone.
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  });
  const pc = new RTCPeerConnection({ iceTransportPolicy, bundlePolicy: 'max-bundle' });
  const [audio] = stream.getAudioTracks();
  const [camera] = stream.getVideoTracks();
  const video = width ? await enlarge(camera, width) : camera;
  const sound = pc.addTransceiver(audio, { direction: 'sendonly', streams: [stream] });
  if (red) preferRed(sound);
  const transceiver = pc.addTransceiver(video, {
    direction: 'sendonly',
    streams: [stream],
    ...(encodings && { sendEncodings: encodings }),
  });
  if (codec) preferCodec(transceiver, codec);
  const session = await Session.start(pc, url, { token, adaptAnswer: adaptAnswer(answer) });
  return {
    resource: session.resource,
    path: () => selectedPath(pc),
    restartIce: () => session.restartIce(),
    // What each encoding sends, smallest first.
    sent: async () => [...(await pc.getStats()).values()]
      .filter(({ type, kind }) => type === 'outbound-rtp' && kind === 'video')
      .map(({ rid, frameWidth, framesEncoded, scalabilityMode, active }) =>
        ({ rid, frameWidth, framesEncoded, scalabilityMode, active }))
      .sort((a, b) => (a.frameWidth ?? 0) - (b.frameWidth ?? 0)),
    // Stops or resumes an encoding.
    async setActive(index, active) {
      const parameters = transceiver.sender.getParameters();
      parameters.encodings[index].active = active;
      await transceiver.sender.setParameters(parameters);
    },
    stop: () => session.stop(),
    // Leaves without telling the node by HTTP: only DTLS says goodbye.
    hangUp: () => pc.close(),
  };
}

// The same picture in another size: an encoder makes fewer encodings of a small one.
async function enlarge(track, width) {
  const video = document.createElement('video');
  video.muted = true;
  video.srcObject = new MediaStream([track]);
  await video.play();
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = Math.round((width * HEIGHT) / WIDTH);
  const context = canvas.getContext('2d');
  const draw = () => {
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    video.requestVideoFrameCallback(draw);
  };
  draw();
  const [enlarged] = canvas.captureStream().getVideoTracks();
  enlarged.contentHint = 'motion';
  return enlarged;
}
