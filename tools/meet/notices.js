// Short sentences that come and go.
import { byId, make } from './dom.js';

const SHOWN_MS = 6000;

export function notify(sentence) {
  const notice = make('p', { textContent: sentence });
  byId('notices').append(notice);
  setTimeout(() => notice.remove(), SHOWN_MS);
}
