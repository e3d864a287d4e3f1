// Before a meeting: who and where, which devices, how one looks and sounds.
import * as devices from './devices.js';
import { byId } from './dom.js';
import { LevelMeter } from './level_meter.js';
import { faultOf, tokenFromNode } from './token.js';

const KINDS = ['camera', 'microphone', 'speaker'];

export class Lobby {
  #meter = new LevelMeter();
  #streams = { camera: null, microphone: null };
  #join;

  // `join({ conference, name, token, camera, microphone, speaker })` begins a meeting; what it throws
  // is told to the person.
  constructor({ conference, name, token, join }) {
    this.#join = join;
    byId('conference').value = conference;
    byId('name').value = name || localStorage.getItem('isthmus.name') || '';
    if (token) this.#askForToken(token);
    byId('join-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    for (const kind of KINDS) {
      byId(`lobby-${kind}`).addEventListener('change', ({ target }) => {
        devices.remember(kind, target.value);
        if (kind !== 'speaker') this.#preview(kind);
      });
    }
    byId('lobby-speaker-field').hidden = !devices.speakersCanBeChosen;
    navigator.mediaDevices?.addEventListener('devicechange', () => this.#refill());
  }

  async show(sentence = '') {
    byId('lobby').hidden = false;
    byId('lobby-alert').textContent = sentence;
    (byId('conference').value ? byId('name') : byId('conference')).focus();
    if (!navigator.mediaDevices) {
      byId('preview-note').textContent =
        'The browser gives camera and microphone only to secure pages: open this one over https://.';
      return;
    }
    // Devices have names only once one of them may be used.
    await Promise.all([this.#preview('camera'), this.#preview('microphone')]);
    await this.#refill();
  }

  hide() {
    byId('lobby').hidden = true;
    this.#close('camera');
    this.#close('microphone');
    this.#meter.stop();
  }

  async #refill() {
    await Promise.all(
      KINDS.map((kind) => devices.fill(byId(`lobby-${kind}`), kind, { canBeOff: kind !== 'speaker' })),
    );
  }

  #close(kind) {
    this.#streams[kind]?.getTracks().forEach((track) => track.stop());
    this.#streams[kind] = null;
  }

  async #preview(kind) {
    this.#close(kind);
    const wanted = devices.remembered(kind);
    const note = byId('preview-note');
    if (wanted !== devices.OFF) {
      const constraint = devices.constraintOf(wanted);
      try {
        this.#streams[kind] = await navigator.mediaDevices.getUserMedia(
          kind === 'camera' ? { video: { ...constraint, width: { ideal: 1280 } } } : { audio: constraint },
        );
        if (kind === 'camera') note.textContent = '';
      } catch (error) {
        if (kind === 'camera') note.textContent = `No picture: ${devices.sentenceOf(error)}`;
      }
    } else if (kind === 'camera') {
      note.textContent = 'Your camera is off.';
    }
    if (byId('lobby').hidden) this.#close(kind); // joined meanwhile
    if (kind === 'camera') byId('preview').srcObject = this.#streams.camera;
    else this.#meter.show(this.#streams.microphone?.getAudioTracks()[0], byId('level'));
  }

  #askForToken(token = '') {
    byId('token-field').hidden = false;
    byId('token').value = token;
    byId('token').focus();
  }

  async #obtainToken(conference, name) {
    const pasted = byId('token').value.trim();
    const token = pasted || (await tokenFromNode(conference, name));
    if (!token) {
      this.#askForToken();
      throw new Error('This node needs an access token.');
    }
    const fault = faultOf(token, conference);
    if (fault) throw new Error(fault);
    return token;
  }

  async #submit() {
    const button = byId('join-form').querySelector('button');
    const conference = byId('conference').value.trim();
    const name = byId('name').value.trim();
    // The list may not be there yet: then what was chosen before, or whatever the browser takes.
    const choice = (kind) => byId(`lobby-${kind}`).value || devices.remembered(kind);
    button.disabled = true;
    byId('lobby-alert').textContent = '';
    try {
      const token = await this.#obtainToken(conference, name);
      localStorage.setItem('isthmus.name', name);
      await this.#join({
        conference,
        name,
        token,
        camera: choice('camera'),
        microphone: choice('microphone'),
        speaker: choice('speaker'),
      });
    } catch (error) {
      byId('lobby-alert').textContent = error.message;
    } finally {
      button.disabled = false;
    }
  }
}
