// Two machines, as far as the network can tell: servers live in the namespace of the test run, browsers
// in a second one, and a veth pair joins them. Nothing of it outlives its processes.
//
//   servers  10.77.0.1, fd77::1  --- veth ---  10.77.0.2, fd77::2  browsers
import { execFileSync } from 'node:child_process';
import { Process } from './process.js';

export const SERVER_IPV4 = '10.77.0.1';
export const SERVER_IPV6 = 'fd77::1';

function ip(...args) {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

export class Network {
  static async open() {
    const network = new Network();
    // The second namespace lives as long as this process.
    network.holder = new Process('namespace', 'unshare', ['--net', 'sleep', 'infinity']);
    const own = execFileSync('readlink', ['/proc/self/ns/net']).toString();
    await network.holder.waitUntil('it has a namespace of its own', () =>
      execFileSync('readlink', [`/proc/${network.holder.pid}/ns/net`]).toString() !== own);
    ip('link', 'add', 'servers', 'type', 'veth', 'peer', 'name', 'browsers', 'netns', String(network.holder.pid));
    // nodad: addresses can be used at once.
    ip('address', 'add', `${SERVER_IPV4}/24`, 'dev', 'servers');
    ip('address', 'add', `${SERVER_IPV6}/64`, 'dev', 'servers', 'nodad');
    ip('link', 'set', 'servers', 'up');
    network.inBrowsers('ip', 'link', 'set', 'lo', 'up');
    network.inBrowsers('ip', 'address', 'add', '10.77.0.2/24', 'dev', 'browsers');
    network.inBrowsers('ip', 'address', 'add', 'fd77::2/64', 'dev', 'browsers', 'nodad');
    network.inBrowsers('ip', 'link', 'set', 'browsers', 'up');
    // Chromium offers only addresses that a default route leads out of.
    network.inBrowsers('ip', 'route', 'add', 'default', 'via', SERVER_IPV4);
    network.inBrowsers('ip', '-6', 'route', 'add', 'default', 'via', SERVER_IPV6);
    return network;
  }

  // The arguments that run a command in the browsers' namespace.
  enter(...command) {
    return ['nsenter', `--net=/proc/${this.holder.pid}/ns/net`, ...command];
  }

  inBrowsers(...command) {
    const [program, ...args] = this.enter(...command);
    return execFileSync(program, args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
  }

  // The browsers' firewall: `rules` decide over what they send, in nftables' language.
  filter(...rules) {
    this.unfilter();
    this.inBrowsers('nft', `table inet e2e { chain out { type filter hook output priority 0; ${rules.join('; ')}; }; }`);
  }

  // What the filter has dropped so far, where its rules count.
  filterCounters() {
    const listing = this.inBrowsers('nft', 'list', 'ruleset');
    return [...listing.matchAll(/counter packets (\d+)/g)].map(([, packets]) => Number(packets));
  }

  unfilter() {
    this.inBrowsers('nft', 'flush', 'ruleset');
  }

  async close() {
    ip('link', 'delete', 'servers');
    await this.holder.stop();
  }
}
