// Chromium's SCTP against ours: data channels without signaling or media, through data_peer.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';
import { after, before, test } from 'node:test';
import { Browser } from './harness/browser.js';
import { Network, SERVER_IPV4 } from './harness/network.js';
import { ROOT } from './harness/process.js';

const PROGRAM = path.join(ROOT, 'build/release/bin/data_peer');

class DataPeer {
  constructor() {
    this.child = spawn(PROGRAM, [SERVER_IPV4], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.heard = [];
  }

  async line() {
    const { value, done } = await this.lines.next();
    assert.ok(!done, 'data_peer ended');
    return value;
  }

  // The answer to an offer of data channels alone.
  async answer(offer) {
    const attribute = (name) => new RegExp(`a=${name}:(.*?)\r?\n`).exec(offer)[1];
    this.child.stdin.write(`${attribute('ice-ufrag')} ${attribute('ice-pwd')} ${attribute('fingerprint')}\n`);
    const [port, ufrag, pwd, algorithm, digest] = (await this.line()).split(' ');
    return [
      'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'a=ice-lite',
      'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0', 'a=mid:0',
      `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`, `a=fingerprint:${algorithm} ${digest}`,
      'a=setup:active', 'a=sctp-port:5000', 'a=max-message-size:262144',
      `a=candidate:1 1 udp 2130706431 ${SERVER_IPV4} ${port} typ host`, '',
    ].join('\r\n');
  }

  async hears(expected) {
    while (!this.heard.includes(expected)) this.heard.push(await this.line());
  }

  close() {
    this.child.stdin.end();
  }
}

let network;
let browser;
before(async () => {
  network = await Network.open();
  browser = await Browser.launch(network);
});
after(async () => {
  await browser?.close();
  await network?.close();
});

test('Chromium and the data stack exchange messages of every kind', async (t) => {
  const peer = new DataPeer();
  const page = await browser.open();
  const offer = await page.evaluate(async () => {
    const connection = new RTCPeerConnection();
    const reliable = connection.createDataChannel('_reliable');
    const lossy = connection.createDataChannel('_lossy', { ordered: false, maxRetransmits: 0 });
    const fromNode = new Promise((resolve) => {
      connection.ondatachannel = ({ channel }) => resolve(channel);
    });
    Object.assign(window, { connection, reliable, lossy, fromNode });
    for (const channel of [reliable, lossy]) {
      channel.binaryType = 'arraybuffer';
      channel.got = [];
      channel.onmessage = ({ data }) => channel.got.push(data);
    }
    window.until = async (condition) => {
      while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await connection.setLocalDescription();
    return connection.localDescription.sdp;
  });
  const answer = await peer.answer(offer);
  const openMs = await page.evaluate(async (sdp) => {
    const began = performance.now();
    await connection.setRemoteDescription({ type: 'answer', sdp });
    await until(() => reliable.readyState === 'open' && lossy.readyState === 'open');
    return Math.round(performance.now() - began);
  }, answer);
  t.diagnostic(`channels open ${openMs} ms after the answer`);
  // We are the DTLS client, so that Chromium has the odd streams.
  await peer.hears('opened 1 _reliable');
  await peer.hears('opened 3 _lossy');
  await peer.hears('opened 0 node');
  assert.equal(await page.evaluate(async () => (await fromNode).label), 'node');

  const echoed = await page.evaluate(async () => {
    reliable.send('text');
    reliable.send('');
    reliable.send(new ArrayBuffer(0));
    reliable.send(new Uint8Array([1, 2, 3]));
    lossy.send('lossy');
    await until(() => reliable.got.length === 4 && lossy.got.length === 1);
    const [text, noText, nothing, bytes] = reliable.got;
    return [text, noText, nothing.byteLength, ...new Uint8Array(bytes), lossy.got[0]];
  });
  assert.deepEqual(echoed, ['text', '', 0, 1, 2, 3, 'lossy']);

  const large = await page.evaluate(async () => {
    reliable.got.length = 0;
    const sent = new Uint8Array(262144).map((_, i) => (i * 7) >> 3);
    for (let i = 0; i < 5; ++i) reliable.send(sent);
    await until(() => reliable.got.length === 5);
    return reliable.got.every((got) => {
      const bytes = new Uint8Array(got);
      return bytes.length === sent.length && bytes.every((byte, i) => byte === sent[i]);
    });
  });
  assert.ok(large, 'a message of 256 KiB came back changed');

  const inOrder = await page.evaluate(async () => {
    reliable.got.length = 0;
    for (let i = 0; i < 3000; ++i) reliable.send(String(i));
    await until(() => reliable.got.length === 3000);
    return reliable.got.every((text, i) => text === String(i));
  });
  assert.ok(inOrder, '3000 messages came back in another order');

  await page.evaluate(async () => {
    reliable.send('close');
    await until(() => reliable.readyState === 'closed');
  });
  await peer.hears('closed 1 ');
  await page.evaluate(async () => {
    lossy.close();
    await until(() => lossy.readyState === 'closed');
  });
  await peer.hears('closed 3 ');
  // The stream is free again.
  await page.evaluate(async () => {
    window.again = connection.createDataChannel('again');
    await until(() => again.readyState === 'open');
  });
  await peer.hears('opened 1 again');
  await page.evaluate(() => connection.close());
  peer.close();
});
