// Everything that a test needs at once: the network, a node, a browser that publishes the known clip and
// one that watches.
import assert from 'node:assert/strict';
import { Browser } from './browser.js';
import { makeClip } from './clip.js';
import { Network } from './network.js';
import { NodeProcess } from './node_process.js';
import { eventually } from './process.js';
import { makeToken } from './tokens.js';

let conferences = 0;

export class World {
  // `prepare` runs once the network is there and returns { config, browserFlags }: more of the node's
  // configuration, more of Chromium's flags.
  static async open({ prepare = () => ({}) } = {}) {
    const world = new World();
    world.network = await Network.open();
    world.clip = makeClip();
    try {
      const { config, browserFlags = [] } = await prepare();
      world.browserFlags = browserFlags;
      world.node = await NodeProcess.start({ config });
      world.publishing = await world.launchPublisher();
      world.watching = await Browser.launch(world.network, { flags: browserFlags });
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  launchPublisher() {
    return Browser.launch(this.network, { clip: this.clip, flags: this.browserFlags });
  }

  newConference() {
    return `e2e-${++conferences}`;
  }

  // Publishes in a page of its own; the handle's methods are those of pages/publisher.js.
  async publish({ conference, identity = 'alice', browser = this.publishing, url = this.node.url(), ...options }) {
    const token = makeToken({ identity, video: { room: conference, roomJoin: true, canSubscribe: false } });
    const page = await browser.open();
    return startPage(page, '/e2e/publisher.js', 'publish', { ...options, token, url: `${url}/whip/${conference}` });
  }

  // Watches `of` in a page of its own; the handle's methods are those of pages/viewer.js.
  async watch({ conference, identity = 'bob', of = 'alice', url = this.node.url(), ...options }) {
    const token = makeToken({ identity, video: { room: conference, roomJoin: true, canPublish: false } });
    const page = await this.watching.open();
    return startPage(page, '/e2e/viewer.js', 'watch', {
      ...options,
      token,
      url: `${url}/whep/${conference}?participant=${encodeURIComponent(of)}`,
    });
  }

  // Who is in the conference, as a page that may watch is told.
  async participants(conference) {
    const token = makeToken({ identity: 'counter', video: { room: conference, roomJoin: true } });
    const response = await fetch(`${this.node.url()}/whep/${conference}/participants`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    if (response.status === 404) return [];
    assert.equal(response.status, 200, await response.clone().text());
    return response.json();
  }

  // Waits until `identity` is, or is no longer, in the conference; returns after how many ms.
  async waitForPresence(conference, identity, present, seconds) {
    const begun = performance.now();
    await eventually(`${identity} ${present ? 'in' : 'out of'} ${conference}`, async () => {
      const list = await this.participants(conference);
      return list.some((participant) => participant.identity === identity) === present;
    }, seconds);
    return Math.round(performance.now() - begun);
  }

  async close() {
    await this.publishing?.close();
    await this.watching?.close();
    const end = await this.node?.stop();
    await this.network.close();
    if (this.node) assert.equal(end, 'exit status 0', 'the node ends cleanly on SIGTERM');
  }
}

// Runs `name` of the module in the page and makes the methods of what it returns callable from here.
export async function startPage(page, module, name, options) {
  const methods = await page.evaluate(
    async ([module, name, options]) => {
      window.peer = await (await import(module))[name](options);
      return Object.keys(window.peer).filter((key) => typeof window.peer[key] === 'function');
    },
    [module, name, options],
  );
  const handle = { page, close: () => page.close() };
  for (const method of methods) {
    handle[method] = (...args) => page.evaluate(([method, args]) => window.peer[method](...args), [method, args]);
  }
  handle.resource = await page.evaluate(() => window.peer.resource);
  return handle;
}
