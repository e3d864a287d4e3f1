// What the publisher's and the viewer's page share.

export function preferCodec(transceiver, codec) {
  const wanted = `video/${codec}`.toLowerCase();
  const kind = transceiver.receiver.track.kind;
  const codecs = RTCRtpReceiver.getCapabilities(kind).codecs.filter(({ mimeType }) => {
    const type = mimeType.toLowerCase();
    return type === wanted || type === 'video/rtx';
  });
  if (codecs.length < 2) throw new Error(`this browser has no ${codec}`);
  transceiver.setCodecPreferences(codecs);
}

// Sends Opus with the frame before in each packet.
export function preferRed(transceiver) {
  const { codecs } = RTCRtpSender.getCapabilities('audio');
  const named = (name) => codecs.filter(({ mimeType }) => mimeType.toLowerCase() === `audio/${name}`);
  transceiver.setCodecPreferences([...named('red'), ...named('opus')]);
}

// Where the answer's candidates lead: all to one UDP address where `relay` says so.
export function adaptAnswer({ relay } = {}) {
  if (!relay) return (sdp) => sdp;
  const candidate = `a=candidate:1 1 udp 2130706431 ${relay.address} ${relay.port} typ host`;
  return (sdp) => {
    const lines = sdp.split('\r\n').filter((line) => !line.startsWith('a=candidate:'));
    const place = lines.findIndex((line) => line.startsWith('a=mid:'));
    lines.splice(place + 1, 0, candidate);
    return lines.join('\r\n');
  };
}

// The pair of candidates that carries the media, once the connection is up.
export async function selectedPath(pc) {
  await connected(pc);
  const stats = await pc.getStats();
  const transport = [...stats.values()].find(({ type }) => type === 'transport');
  const pair = stats.get(transport.selectedCandidatePairId);
  const remote = stats.get(pair.remoteCandidateId);
  const local = stats.get(pair.localCandidateId);
  return {
    srtpCipher: transport.srtpCipher,
    dtlsVersion: transport.tlsVersion,
    protocol: remote.protocol,
    address: remote.address,
    localType: local.candidateType,
    relayProtocol: local.relayProtocol ?? null,
  };
}

export function connected(pc, seconds = 20) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not connected: ${pc.connectionState}`)), seconds * 1000);
    const look = () => {
      if (pc.connectionState === 'connected') {
        clearTimeout(timer);
        resolve();
      } else if (pc.connectionState === 'failed') {
        clearTimeout(timer);
        reject(new Error('the connection failed'));
      }
    };
    pc.addEventListener('connectionstatechange', look);
    look();
  });
}
