// A machine whose process 1 is systemd, with the units of packaging/systemd: a container of
// systemd-nspawn over this machine's own /usr. It has a network of its own, with nothing but itself in it.
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { eventually, makeFolder, Process, ROOT } from './process.js';

const run = promisify(execFile);
const BIN = path.join(ROOT, 'build/release/bin');
const PROGRAMS = ['isthmus-node', 'isthmus-hub', 'isthmus-agent', 'isthmusctl'];
const PLACE = '/opt/isthmus/bin';

// What a container of this kind needs of /etc, where it is there.
const ETC = ['passwd', 'group', 'nsswitch.conf', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'ssl', 'alternatives'];
// Of no use in it.
const MASKED = ['dbus.service', 'dbus.socket', 'systemd-logind.service', 'getty.target', 'systemd-networkd.service',
  'systemd-resolved.service', 'systemd-timesyncd.service', 'apt-daily.timer', 'machines.target'];

// The new root of control groups is the machine's own of version 2, also where version 1 is mounted there.
const BOOT = `umount -R -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
exec systemd-nspawn --quiet --register=no --keep-unit --private-network --kill-signal=SIGRTMIN+4 --bind-ro=/usr \
  --machine=isthmus-test --boot --directory "$1"`;

export class Machine {
  // Why there can be none here, or null.
  static obstacle() {
    if (process.getuid() !== 0) return 'only root can run systemd-nspawn';
    if (fs.readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/)[2] !== '4294967295') {
      return 'systemd-nspawn does not run in a user namespace';
    }
    for (const program of ['/usr/bin/systemd-nspawn', '/usr/lib/systemd/systemd']) {
      if (!fs.existsSync(program)) return `there is no ${program} (packages systemd, systemd-container)`;
    }
    const filesystems = fs.readFileSync('/proc/filesystems', 'utf8');
    return filesystems.includes('cgroup2') ? null : 'the kernel has no cgroup v2';
  }

  static async boot() {
    const machine = new Machine();
    machine.folder = makeFolder('machine');
    machine.build();
    machine.process = new Process('systemd', 'unshare', ['--mount', '--propagation', 'private', 'sh', '-c', BOOT, 'sh', machine.folder]);
    await machine.process.waitUntil('systemd is up', async () => {
      machine.init ??= machine.findInit();
      const state = await machine.run('systemctl', 'is-system-running').catch(({ stdout }) => stdout);
      return /running|degraded/.test(state);
    }, 60);
    return machine;
  }

  path(...parts) {
    return path.join(this.folder, ...parts);
  }

  write(file, text, mode = 0o644) {
    fs.mkdirSync(path.dirname(this.path(file)), { recursive: true });
    fs.writeFileSync(this.path(file), text, { mode });
  }

  build() {
    for (const folder of ['usr', 'etc/systemd/system', 'var', 'run', 'proc', 'sys', 'dev', 'tmp', 'root', PLACE]) {
      fs.mkdirSync(this.path(folder), { recursive: true });
    }
    for (const name of ['bin', 'sbin', 'lib', 'lib64']) fs.symlinkSync(`usr/${name}`, this.path(name));
    for (const name of ETC.filter((one) => fs.existsSync(`/etc/${one}`))) {
      fs.cpSync(`/etc/${name}`, this.path('etc', name), { recursive: true, verbatimSymlinks: true });
    }
    fs.chmodSync(this.folder, 0o755); // other users live there too
    // No first start, which would enable whatever the real machine has units of.
    this.write('etc/machine-id', '0123456789abcdef0123456789abcdef\n');
    this.write('etc/systemd/system-preset/00-none.preset', 'disable *\n');
    // nspawn looks for it before it has mounted /usr.
    this.write('usr/lib/os-release', fs.readFileSync('/etc/os-release'));
    fs.symlinkSync('../usr/lib/os-release', this.path('etc/os-release'));
    for (const unit of MASKED) fs.symlinkSync('/dev/null', this.path('etc/systemd/system', unit));
    for (const program of PROGRAMS) fs.copyFileSync(path.join(BIN, program), this.path(PLACE, program));
    const units = path.join(ROOT, 'packaging/systemd');
    for (const unit of fs.readdirSync(units).filter((name) => name.endsWith('.service'))) {
      const text = fs.readFileSync(path.join(units, unit), 'utf8').replaceAll('/usr/bin/isthmus', `${PLACE}/isthmus`);
      this.write(`etc/systemd/system/${unit}`, text);
    }
    // What the package's installation would do.
    const users = path.join(ROOT, 'packaging/sysusers.d/isthmus.conf');
    execFileSync('systemd-sysusers', [`--root=${this.folder}`, users], { stdio: 'ignore' });
  }

  // The container's process 1, as this machine counts.
  findInit() {
    const children = (pid) => fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    return children(this.process.pid).find((pid) => fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'systemd');
  }

  // What the command prints, run in the machine.
  async run(command, ...args) {
    const { stdout } = await run('nsenter', ['--target', this.init, '--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup',
      '--', command, ...args], { env: { PATH: '/usr/bin:/usr/sbin', HOME: '/', ...this.env } });
    return stdout;
  }

  program(name, ...args) {
    return this.run(`${PLACE}/${name}`, ...args);
  }

  // { ActiveState: 'active', ... }
  async unit(name, ...properties) {
    const text = await this.run('systemctl', 'show', name, `--property=${properties.join(',')}`);
    return Object.fromEntries(text.trim().split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  }

  async mainPid(unit) {
    return Number((await this.unit(unit, 'MainPID')).MainPID);
  }

  // Fields of /proc/PID/status.
  async status(pid) {
    const text = await this.run('cat', `/proc/${pid}/status`);
    return Object.fromEntries(text.trim().split('\n').map((line) => line.split(/:\s*/)));
  }

  waitFor(what, ready, seconds = 30) {
    return eventually(what, ready, seconds);
  }

  async close() {
    if (!this.process) return;
    await this.run('systemctl', 'poweroff', '--force').catch(() => {});
    await this.process.stop(20);
  }
}
