// A node that a hub and an agent look after, and two browsers for meetings on it.
import assert from 'node:assert/strict';
import { Agent } from './agent.js';
import { Browser } from './browser.js';
import { makeClip } from './clip.js';
import { Hub } from './hub.js';
import { Network, SERVER_IPV4 } from './network.js';

const KEY = { name: 'e2ekey', secret: 'a secret of a node that an agent looks after' };

// Where browsers and tests reach the node.
export const NODE = `${SERVER_IPV4}:8080`;

// What meet() wants of a world, with `hub` and `agent`; the node is "branch" at the hub.
export class ManagedNode {
  key = KEY;
  node = { url: () => `http://${NODE}` };

  newConference() {
    return 'control';
  }

  static async start() {
    const world = new ManagedNode();
    try {
      await world.open();
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  async open() {
    this.network = await Network.open();
    this.hub = await Hub.start();
    this.agent = new Agent('branch', { node: true });
    const enrolled = await this.agent.enroll(await this.hub.newCode());
    assert.equal(enrolled.status, 0, enrolled.output);
    this.agent.start();
    await this.hub.waitForNode('branch', (node) => node.connected);
    const done = await this.hub.configure('branch', { node: this.configuration() });
    assert.equal(done.state, 'succeeded', done.message);
    this.publishing = await Browser.launch(this.network, { clip: makeClip() });
    this.watching = await Browser.launch(this.network);
  }

  // The node's, with which browsers reach it.
  configuration(more = {}) {
    return this.agent.nodeConfiguration({
      http: { listen: ['127.0.0.1:8080', NODE], tls_listen: [] },
      keys: { [KEY.name]: KEY.secret },
      ...more,
    });
  }

  async close() {
    await this.publishing?.close();
    await this.watching?.close();
    await this.agent?.close();
    await this.hub?.stop();
    await this.network?.close();
  }
}
