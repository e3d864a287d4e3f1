// The buttons under the pictures, and the keys that do the same.
import { byId, make } from './dom.js';

// In the order of the page. `key` does the same wherever no text is being typed.
const BUTTONS = [
  { id: 'microphone', key: 'm', label: 'Microphone' },
  { id: 'camera', key: 'v', label: 'Camera' },
  { id: 'share', key: 's', label: 'Share screen' },
  { id: 'hand', key: 'h', label: 'Raise hand' },
  { id: 'chat', key: 'c', label: 'Chat' },
  { id: 'people-list', key: 'p', label: 'People' },
  { id: 'view', key: 'g', label: 'Speaker view' },
  { id: 'device-choice', key: 'd', label: 'Devices' },
  { id: 'statistics-list', key: 'i', label: 'Statistics' },
  { id: 'keys-help', key: '?', label: 'Keys' },
  { id: 'leave', key: '', label: 'Leave' },
];

const isTyping = (target) => target.matches?.('input, textarea, select, [contenteditable]') ?? false;

export class Controls {
  #actions;
  #onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping(event.target)) return;
    if (document.querySelector('dialog[open]')) return;
    const button = BUTTONS.find(({ key }) => key && key === event.key.toLowerCase());
    if (!button || byId(button.id).hidden) return;
    event.preventDefault();
    this.#run(button.id);
  };

  // `actions` by button id: async functions.
  constructor(actions) {
    this.#actions = actions;
    byId('controls').replaceChildren(
      ...BUTTONS.map(({ id, key, label }) =>
        make('button', {
          id,
          type: 'button',
          textContent: label,
          title: key ? `${label} (${key})` : label,
          onclick: () => this.#run(id),
          ...(key ? { 'aria-keyshortcuts': key } : {}),
        }),
      ),
    );
    byId('keys').replaceChildren(
      ...BUTTONS.filter(({ key }) => key).flatMap(({ key, label }) => [
        make('dt', {}, make('kbd', { textContent: key })),
        make('dd', { textContent: label }),
      ]),
    );
    addEventListener('keydown', this.#onKey);
  }

  async #run(id) {
    const button = byId(id);
    if (button.disabled) return;
    button.disabled = true;
    try {
      await this.#actions[id]();
    } finally {
      button.disabled = false;
    }
  }

  // The pressed state says what is on; the label stays, as assistive technology expects.
  press(id, on) {
    byId(id).setAttribute('aria-pressed', String(on));
  }

  // Something new behind the button.
  badge(id, on) {
    byId(id).classList.toggle('badge', on);
    byId(id).setAttribute('aria-description', on ? 'something new' : '');
  }

  hide(id, hidden) {
    byId(id).hidden = hidden;
  }

  close() {
    removeEventListener('keydown', this.#onKey);
    byId('controls').replaceChildren();
  }
}
