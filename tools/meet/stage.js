// The pictures of a meeting, in a grid or with one of them large.
import { arrange, byId, make } from './dom.js';
import { chooseFocus, chooseShown, gridFor, pageSize } from './layout.js';

const GAP = 8;

export class Stage {
  view = 'grid'; // or 'speaker'
  #entries = [];
  #pinned = null;
  #observer;
  #more = make('p', { id: 'more' });

  constructor() {
    this.#observer = new ResizeObserver(() => this.#draw());
    this.#observer.observe(byId('stage'));
  }

  // [{ id, own, sharing, spokeAt, hasPicture, tile }], in the order of joining.
  show(entries) {
    this.#entries = entries;
    this.#draw();
  }

  // A second pick of the same picture lets it go.
  pin(id) {
    this.#pinned = this.#pinned === id ? null : id;
    this.view = this.#pinned ? 'speaker' : this.view;
    this.#draw();
  }

  toggleView() {
    this.view = this.view === 'grid' ? 'speaker' : 'grid';
    this.#pinned = null;
    this.#draw();
  }

  close() {
    this.#observer.disconnect();
    arrange(byId('focus'), []);
    arrange(byId('tiles'), []);
  }

  #draw() {
    const stage = byId('stage');
    const { clientWidth: width, clientHeight: height } = stage;
    // One picture alone, and a screen that somebody shares, are large in either view.
    const sharing = this.#entries.some((entry) => entry.sharing && !entry.own);
    const large = this.#entries.length > 1 && (this.view === 'speaker' || sharing);
    const focus = large ? chooseFocus(this.#entries, this.#pinned) : null;
    stage.classList.toggle('speaker-view', large);
    arrange(byId('focus'), focus ? [focus.tile.element] : []);
    const others = this.#entries.filter((entry) => entry !== focus);
    const places = large ? Math.max(Math.floor(width / 180), 1) : pageSize(width, height);
    const shown = chooseShown(others, places);
    this.#more.textContent = others.length > shown.length ? `and ${others.length - shown.length} more` : '';
    arrange(byId('tiles'), [...shown.map((entry) => entry.tile.element), ...(this.#more.textContent ? [this.#more] : [])]);
    const grid = gridFor(shown.length, width - 2 * GAP, height - 2 * GAP, GAP);
    byId('tiles').style.setProperty('--tile-width', large ? '172px' : `${grid.tileWidth}px`);
  }
}
