// Two hubs on one PostgreSQL with three NATS servers between them, as real processes, and a load balancer before them.
import assert from 'node:assert/strict';
import { Agent } from './agent.js';
import { Hub } from './hub.js';
import { Balancer, metric, NatsCluster, Postgresql } from './instances.js';
import { eventually } from './process.js';

const PORT = 8443;

export class TwoHubs {
  static async start() {
    const world = new TwoHubs();
    world.postgresql = new Postgresql();
    world.nats = new NatsCluster();
    world.a = await world.startHub(8444, 9461);
    world.b = await world.startHub(8445, 9462, world.a);
    // New connections go to b as long as it takes them.
    world.balancer = await Balancer.start(PORT, [world.b.port, world.a.port]);
    await world.waitForNats(true);
    return world;
  }

  async startHub(port, metrics, sibling) {
    const hub = await Hub.start({
      port,
      url: `https://127.0.0.1:${PORT}`,
      more: ['--database', this.postgresql.address, '--nats', this.nats.urls.join(','), '--metrics-listen', `127.0.0.1:${metrics}`],
      sibling,
    });
    hub.metric = (name) => metric(metrics, `isthmus_hub_${name}`);
    hub.nodes = () => hub.metric('nodes_connected');
    hub.hearsNats = async () => (await hub.metric('nats_connected')) === 1;
    return hub;
  }

  waitForNats(there) {
    return eventually(`NATS is ${there ? 'there' : 'away'}`, async () =>
      (await this.a.hearsNats()) === there && (await this.b.hearsNats()) === there);
  }

  // A node at the hub that the balancer prefers.
  async join(t, name) {
    const agent = new Agent(name);
    t.after(() => agent.close());
    assert.equal((await agent.enroll(await this.a.newCode())).status, 0);
    agent.start();
    await this.a.waitForNode(name, (node) => node.connected);
    return agent;
  }

  async succeeded(command) {
    return (await this.a.call('GET', `/v1/hybrid/commands/${command}`)).state === 'succeeded';
  }

  // Every event of the node once and in order, as the database has it; how many there are.
  assertComplete(node) {
    const [[id]] = this.postgresql.ask(`select id from nodes where name = '${node}'`);
    const rows = this.postgresql.ask(`select sequence, received_ms from events where node = '${id}' order by sequence`)
      .map((row) => row.map(Number));
    rows.forEach(([sequence, received], i) => {
      assert.equal(sequence, i + 1, `${node} has a gap or a double`);
      assert.ok(i === 0 || received >= rows[i - 1][1], `${node}: ${sequence} came before the one before it`);
    });
    const twice = this.postgresql.ask(`select body::json->>'command' from events where node = '${id}' and kind = 'audit.command'
      group by 1 having count(*) > 1`);
    assert.deepEqual(twice, [], `${node} did a command twice`);
    return rows.length;
  }

  async stop() {
    await this.a?.stop();
    await this.b?.stop();
    this.balancer?.close();
    await this.nats?.kill();
    this.postgresql?.close();
  }
}

// Resolves to the command's id.
export async function ping(hub, name) {
  const { command } = await hub.call('POST', `/v1/hybrid/nodes/${name}/ping`);
  return command;
}
