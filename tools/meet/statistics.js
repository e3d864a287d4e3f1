// What each track takes of the line, some times a minute, from the browser's own counters.
import { byId, make } from './dom.js';

const INTERVAL_MS = 2000;

// Of a track's reports: { bytes, lost, packets, codec, width, height, fps } over all its encodings.
export function summarise(reports) {
  const codecs = new Map();
  const sum = { bytes: 0, lost: 0, packets: 0, codec: '', width: 0, height: 0, fps: 0 };
  reports.forEach((report) => {
    if (report.type === 'codec') codecs.set(report.id, report.mimeType.split('/')[1]);
  });
  reports.forEach((report) => {
    if (report.type === 'inbound-rtp' || report.type === 'outbound-rtp') {
      sum.bytes += report.bytesReceived ?? report.bytesSent ?? 0;
      sum.packets += report.packetsReceived ?? report.packetsSent ?? 0;
      sum.lost += report.packetsLost ?? 0;
      sum.codec = codecs.get(report.codecId) ?? sum.codec;
      if ((report.frameWidth ?? 0) > sum.width) {
        Object.assign(sum, { width: report.frameWidth, height: report.frameHeight, fps: report.framesPerSecond ?? 0 });
      }
    } else if (report.type === 'remote-inbound-rtp') {
      sum.lost += report.packetsLost ?? 0;
    }
  });
  return sum;
}

export class Statistics {
  #timer = 0;
  #before = new Map();

  // `list()` returns [{ id, label, track }] at any time.
  constructor(list) {
    this.list = list;
  }

  start() {
    this.stop();
    this.#refresh();
    this.#timer = setInterval(() => this.#refresh(), INTERVAL_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = 0;
  }

  async #refresh() {
    const rows = await Promise.all(
      this.list().map(async ({ id, label, track }) => {
        const reports = await track.getRTCStatsReport().catch(() => undefined);
        return reports && this.#row(id, label, summarise(reports));
      }),
    );
    byId('statistics').replaceChildren(...rows.filter(Boolean));
  }

  #row(id, label, sum) {
    const now = performance.now();
    const before = this.#before.get(id);
    this.#before.set(id, { ...sum, at: now });
    const seconds = before ? (now - before.at) / 1000 : 0;
    const rate = seconds > 0 ? Math.max(Math.round(((sum.bytes - before.bytes) * 8) / 1000 / seconds), 0) : 0;
    const lost = before ? Math.max(sum.lost - before.lost, 0) : 0;
    const packets = before ? sum.packets - before.packets + lost : 0;
    const loss = packets > 0 ? `${((100 * lost) / packets).toFixed(1)} %` : '0 %';
    const picture = sum.width ? `${sum.width}×${sum.height}, ${Math.round(sum.fps)}/s` : '';
    return make(
      'tr',
      {},
      make('th', { scope: 'row', textContent: label }),
      ...[sum.codec, picture, String(rate), loss].map((textContent) => make('td', { textContent })),
    );
  }
}
