// Debian's Chromium, in the browsers' namespace, headless, with the known clip for camera and
// microphone. The control channel is a pipe, so the namespace's firewall cannot cut it.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { ROOT } from './process.js';

const FLAGS = [
  '--headless=new',
  '--no-sandbox', // runs as root
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage', // containers give 64 MB
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  // Pages that nobody looks at run at full speed.
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  // Real addresses in candidates; no question before a page reaches a private address.
  '--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks',
];

// Nothing listens there: Playwright answers for it. 127.0.0.1 counts as a secure context.
export const PAGE_ORIGIN = 'http://127.0.0.1:9';

const TYPES = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.html': 'text/html', '.css': 'text/css' };

// /e2e/* is tests/e2e/pages, /npm/* is livekit-client as npm has it.
const FOLDERS = { e2e: 'tests/e2e/pages', npm: 'tests/e2e/node_modules/livekit-client/dist' };

function answerPage(route) {
  const { pathname } = new URL(route.request().url());
  if (pathname === '/') {
    return route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>test</title><link rel=icon href="data:,">' });
  }
  const [, folder, name] = /^\/(e2e|npm)\/([\w.-]+)$/.exec(pathname) ?? [];
  const file = folder && path.join(ROOT, FOLDERS[folder], name);
  if (!file || !fs.existsSync(file)) return route.fulfill({ status: 404, body: '' });
  return route.fulfill({ contentType: TYPES[path.extname(name)], body: fs.readFileSync(file) });
}

export class Browser {
  static async launch(network, { clip, flags = [] } = {}) {
    const browser = new Browser();
    browser.profile = fs.mkdtempSync(path.join(os.tmpdir(), 'isthmus-e2e-'));
    const media = clip
      ? [`--use-file-for-fake-video-capture=${clip.picture}`, `--use-file-for-fake-audio-capture=${clip.tone}`]
      : [];
    const [enter, ...into] = network.enter('/usr/bin/chromium');
    browser.context = await chromium.launchPersistentContext(browser.profile, {
      executablePath: `/usr/bin/${enter}`,
      headless: true,
      ignoreDefaultArgs: true,
      args: [
        ...into,
        ...FLAGS,
        ...media,
        ...flags,
        `--user-data-dir=${browser.profile}`,
        '--remote-debugging-pipe',
        'about:blank',
      ],
      timeout: 60000,
    });
    await browser.context.route(`${PAGE_ORIGIN}/**`, answerPage);
    return browser;
  }

  // A page that is ready to import the modules in pages/.
  async open() {
    const page = await this.context.newPage();
    page.on('console', (message) => console.log(`# page: ${message.text()}`));
    page.on('pageerror', (error) => console.log(`# page: ${error}`));
    await page.goto(`${PAGE_ORIGIN}/`);
    return page;
  }

  // As a crash or a power cut ends it: without a word to anybody.
  async kill() {
    const closed = new Promise((resolve) => this.context.once('close', resolve));
    for (const pid of this.#processes()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Ended with its parent.
      }
    }
    await closed;
  }

  #processes() {
    return fs
      .readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        try {
          return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`--user-data-dir=${this.profile}`);
        } catch {
          return false; // ended meanwhile
        }
      });
  }

  async close() {
    await this.context.close();
    fs.rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
