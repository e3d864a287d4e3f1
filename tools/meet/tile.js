// One picture of the stage: somebody's camera, or the screen that they share.
import { make } from './dom.js';

const QUALITIES = { excellent: 'good connection', good: 'fair connection', poor: 'poor connection', lost: 'connection lost' };

export const initialsOf = (name) =>
  name
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => [...word][0].toUpperCase())
    .slice(0, 2)
    .join('');

export const wordsFor = (quality) => QUALITIES[quality] ?? '';

export class Tile {
  // `entry`: { id, own, sharing }; `onPin` is called when the person picks this picture.
  constructor({ own, sharing }, onPin) {
    this.#own = own;
    this.#sharing = sharing;
    this.video = make('video', { autoplay: true, playsInline: true, muted: true, hidden: true });
    this.#initials = make('span', { className: 'initials', 'aria-hidden': 'true' });
    this.#name = make('span', { className: 'name' });
    this.#marks = make('span', { className: 'marks' });
    this.element = make(
      'figure',
      { className: 'tile', tabIndex: 0, onclick: onPin, onkeydown: (event) => event.key === 'Enter' && onPin() },
      this.video,
      this.#initials,
      make('figcaption', {}, this.#name, this.#marks),
    );
    this.element.classList.toggle('mirrored', own && !sharing);
    this.element.classList.toggle('screen', sharing);
  }

  #own;
  #sharing;
  #initials;
  #name;
  #marks;
  #track = null;

  // `state`: { name, muted, speaking, quality, hand, paused }.
  show(state) {
    const shown = this.#own ? `${state.name} (you)` : state.name;
    const what = this.#sharing ? `Screen of ${shown}` : `Camera of ${shown}`;
    this.video.setAttribute('aria-label', what);
    this.#initials.textContent = initialsOf(state.name);
    this.#name.textContent = this.#sharing ? `${shown}: screen` : shown;
    const marks = [];
    if (!this.#sharing) {
      if (state.hand) marks.push('hand raised');
      if (state.muted) marks.push('muted');
      if (state.quality === 'poor' || state.quality === 'lost') marks.push(wordsFor(state.quality));
    }
    if (state.paused) marks.push('paused: too little bandwidth');
    this.#marks.textContent = marks.join(', ');
    this.element.classList.toggle('speaking', Boolean(state.speaking) && !this.#sharing);
    this.element.classList.toggle('raised', Boolean(state.hand) && !this.#sharing);
  }

  // The track whose picture is shown; null for none.
  setTrack(track) {
    if (this.#track === track) return;
    this.#track?.detach(this.video);
    this.#track = track;
    track?.attach(this.video);
    // attach() may have unmuted it: the sound of a meeting has elements of its own.
    this.video.muted = true;
    this.video.hidden = !track;
    this.element.classList.toggle('dark', !track);
  }

  close() {
    this.setTrack(null);
    this.element.remove();
  }
}
