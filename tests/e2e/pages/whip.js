// One WHIP or WHEP session (RFC 9725): the offer goes out by POST, the answer comes back, DELETE ends
// it. The caller makes the RTCPeerConnection and its transceivers. No candidates are trickled: the node
// is ICE-lite and learns where a client is from its connectivity checks.

// How long a broken path may take to come back by itself before ICE is restarted.
const DISCONNECTED_MS = 3000;

export class HttpError extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

// The sentence in an application/problem+json body (RFC 9457), or the best there is without one.
async function errorOf(response) {
  const text = await response.text().catch(() => '');
  try {
    const problem = JSON.parse(text);
    return new HttpError(response.status, problem.detail || problem.title);
  } catch {
    return new HttpError(response.status, `The server answered ${response.status} ${response.statusText}`.trim());
  }
}

export async function request(url, { token, ...options } = {}) {
  const headers = { ...options.headers };
  if (token) headers.Authorization = `Bearer ${token}`;
  let response;
  try {
    response = await fetch(url, { ...options, headers });
  } catch {
    throw new HttpError(0, 'The server cannot be reached.');
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

// ICE servers from Link headers (RFC 9725 section 4.6):
//   <turns:turn.example.net?transport=tcp>; rel="ice-server"; username="u"; credential="c"
export function iceServersOf(linkHeader) {
  const servers = [];
  for (const [, url, parameters] of (linkHeader ?? '').matchAll(/<([^>]*)>((?:\s*;\s*[\w-]+="(?:[^"\\]|\\.)*")*)/g)) {
    const values = {};
    for (const [, name, value] of parameters.matchAll(/([\w-]+)="((?:[^"\\]|\\.)*)"/g)) {
      values[name.toLowerCase()] = value.replace(/\\(.)/g, '$1');
    }
    if (values.rel !== 'ice-server') continue;
    const server = { urls: url };
    if (values.username) Object.assign(server, { username: values.username, credential: values.credential });
    servers.push(server);
  }
  return servers;
}

function attribute(sdp, name) {
  return new RegExp(`^a=${name}:(.*?)\r?$`, 'm').exec(sdp)?.[1];
}

export class Session {
  #pc;
  #token;
  #resource;
  #onGone;
  #restarting = false;
  #timer = 0;

  constructor(pc, token, resource, onGone) {
    this.#pc = pc;
    this.#token = token;
    this.#resource = resource;
    this.#onGone = onGone;
    pc.addEventListener('connectionstatechange', () => this.#watchPath());
  }

  // Resolves when both descriptions are in place; media flows a moment later. `adaptAnswer` may change
  // the answer's SDP before it is applied. `onGone` is told, with an error, when the node has ended the
  // session or cannot be reached any more.
  static async start(pc, url, { token, adaptAnswer = (sdp) => sdp, onGone = () => {} } = {}) {
    const offer = await pc.createOffer();
    const response = await request(url, {
      token,
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp' },
      body: offer.sdp,
    });
    const session = new Session(pc, token, new URL(response.headers.get('Location'), response.url).href, onGone);
    try {
      // Before setLocalDescription(), which begins to gather.
      const iceServers = iceServersOf(response.headers.get('Link'));
      if (iceServers.length > 0) pc.setConfiguration({ ...pc.getConfiguration(), iceServers });
      const sdp = adaptAnswer(await response.text());
      await pc.setLocalDescription(offer);
      await pc.setRemoteDescription({ type: 'answer', sdp });
    } catch (error) {
      await session.stop();
      throw error;
    }
    return session;
  }

  get resource() {
    return this.#resource;
  }

  #watchPath() {
    clearTimeout(this.#timer);
    const state = this.#pc.connectionState;
    if (state === 'disconnected') this.#timer = setTimeout(() => this.#repair(), DISCONNECTED_MS);
    if (state === 'failed') this.#repair();
  }

  async #repair() {
    try {
      await this.restartIce();
    } catch (error) {
      if (!this.#resource) return;
      this.#resource = null;
      this.#pc.close();
      this.#onGone(error);
    }
  }

  // New credentials both ways over PATCH (RFC 9725 section 4.3.3): after a change of network.
  async restartIce() {
    if (this.#restarting || !this.#resource) return;
    this.#restarting = true;
    try {
      const offer = await this.#pc.createOffer({ iceRestart: true });
      const mid = attribute(offer.sdp, 'mid');
      const kind = /^m=(\w+)/m.exec(offer.sdp)[1];
      const fragment = [
        `a=ice-ufrag:${attribute(offer.sdp, 'ice-ufrag')}`,
        `a=ice-pwd:${attribute(offer.sdp, 'ice-pwd')}`,
        `m=${kind} 9 UDP/TLS/RTP/SAVPF 0`,
        `a=mid:${mid}`,
        '',
      ].join('\r\n');
      const response = await request(this.#resource, {
        token: this.#token,
        method: 'PATCH',
        headers: { 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': '*' },
        body: fragment,
      });
      const answer = withIce(this.#pc.currentRemoteDescription.sdp, await response.text());
      await this.#pc.setLocalDescription(offer);
      await this.#pc.setRemoteDescription({ type: 'answer', sdp: answer });
    } finally {
      this.#restarting = false;
    }
  }

  // Ends the session here and on the node. `keepalive` lets the request outlive the page.
  async stop({ keepalive = false } = {}) {
    clearTimeout(this.#timer);
    const resource = this.#resource;
    this.#resource = null;
    // DELETE first: closing says goodbye by DTLS, and the session would be gone when DELETE comes.
    const deleted = resource && request(resource, { token: this.#token, method: 'DELETE', keepalive }).catch(() => {});
    if (!keepalive) await deleted;
    this.#pc.close();
  }
}

// The answer in force with the credentials and candidates of an sdpfrag (RFC 8840) put in their place.
function withIce(answer, fragment) {
  const candidates = fragment.split(/\r?\n/).filter((line) => line.startsWith('a=candidate:'));
  const lines = answer
    .split('\r\n')
    .filter((line) => candidates.length === 0 || !line.startsWith('a=candidate:'))
    .map((line) => {
      if (line.startsWith('a=ice-ufrag:')) return `a=ice-ufrag:${attribute(fragment, 'ice-ufrag')}`;
      if (line.startsWith('a=ice-pwd:')) return `a=ice-pwd:${attribute(fragment, 'ice-pwd')}`;
      return line;
    });
  if (candidates.length === 0) return lines.join('\r\n');
  // After the pwd of the first section that has one: the section that carries the BUNDLE.
  const place = lines.findIndex((line) => line.startsWith('a=mid:'));
  lines.splice(place + 1, 0, ...candidates);
  return lines.join('\r\n');
}
