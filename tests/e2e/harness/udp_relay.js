// Carries UDP between clients and one server and loses some of it: the kernels of many machines have no
// netem. Each client gets a socket of its own towards the server, as behind a NAT. What is lost follows
// from the seed and from the order of the packets.
import dgram from 'node:dgram';

// splitmix32: even enough for dice, the same on every machine.
function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

class Direction {
  constructor(loss, seed) {
    this.loss = loss;
    this.roll = dice(seed);
    this.carried = 0;
    this.lost = 0;
  }

  passes() {
    const passes = this.roll() >= this.loss;
    ++this[passes ? 'carried' : 'lost'];
    return passes;
  }
}

export class UdpRelay {
  // `server`: { address, port }; `loss`: 0 to 1, each way.
  static async open({ address, server, loss, seed }) {
    const relay = new UdpRelay();
    relay.up = new Direction(loss, seed);
    relay.down = new Direction(loss, seed + 1);
    relay.server = server;
    relay.links = new Map(); // client's address -> socket towards the server
    relay.front = dgram.createSocket('udp4');
    relay.front.on('message', (packet, client) => relay.#fromClient(packet, client));
    await new Promise((resolve, reject) => {
      relay.front.once('error', reject);
      relay.front.bind(0, address, resolve);
    });
    relay.address = relay.front.address();
    return relay;
  }

  #fromClient(packet, client) {
    const name = `${client.address}:${client.port}`;
    let link = this.links.get(name);
    if (!link) {
      link = dgram.createSocket('udp4');
      link.on('message', (answer) => {
        if (this.down.passes()) this.front.send(answer, client.port, client.address);
      });
      this.links.set(name, link);
    }
    if (this.up.passes()) link.send(packet, this.server.port, this.server.address);
  }

  close() {
    this.front.close();
    for (const link of this.links.values()) link.close();
  }
}
