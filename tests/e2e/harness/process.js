// Child processes: their output goes to a file in output/, they end with the test.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const OUTPUT = fileURLToPath(new URL('../output', import.meta.url));

let started = 0;

// A folder of its own for whoever asks.
export function makeFolder(name) {
  fs.mkdirSync(OUTPUT, { recursive: true });
  return fs.mkdtempSync(path.join(OUTPUT, `${name}-`));
}

export class Process {
  constructor(name, command, args, options = {}) {
    this.name = name;
    fs.mkdirSync(OUTPUT, { recursive: true });
    this.log = path.join(OUTPUT, `${name}-${process.pid}-${++started}.log`);
    const log = fs.openSync(this.log, 'w');
    this.child = spawn(command, args, { stdio: ['ignore', log, log], ...options });
    fs.closeSync(log);
    this.ended = new Promise((resolve) => {
      this.child.on('error', (error) => resolve(String(error)));
      this.child.on('exit', (code, signal) => resolve(signal ?? `exit status ${code}`));
    });
  }

  get pid() {
    return this.child.pid;
  }

  output() {
    return fs.readFileSync(this.log, 'utf8');
  }

  // Resolves when `ready` does not throw and returns something true; fails when the process ends first.
  async waitUntil(what, ready, seconds = 20) {
    let end = null;
    this.ended.then((how) => (end = how));
    await eventually(`${this.name}: ${what}`, async () => {
      if (end !== null) throw new Fatal(`${this.name} ended (${end}) before ${what}:\n${this.output()}`);
      return ready();
    }, seconds);
  }

  // Asks politely, then insists.
  async stop(seconds = 10) {
    this.child.kill('SIGTERM');
    const how = await Promise.race([this.ended, delay(seconds * 1000, null, { ref: false })]);
    if (how !== null) return how;
    this.child.kill('SIGKILL');
    return this.ended;
  }
}

class Fatal extends Error {}

// Asks again and again until `ask` returns something true, and returns that.
export async function eventually(what, ask, seconds = 20, pauseMs = 50) {
  const deadline = performance.now() + seconds * 1000;
  let last;
  for (;;) {
    try {
      const answer = await ask();
      if (answer) return answer;
      last = `last answer: ${answer}`;
    } catch (error) {
      if (error instanceof Fatal) throw error;
      last = `last error: ${error.message}`;
    }
    if (performance.now() > deadline) throw new Error(`${what}: not within ${seconds} s (${last})`);
    await delay(pauseMs);
  }
}
