// Messages between the people of a meeting: LiveKit's chat topic, so that other clients see them too.
import { byId, make } from './dom.js';

const TOPIC = 'lk.chat';
const MESSAGES_MAX = 500;
const CHARACTERS_MAX = 2000;

export class Chat {
  #room;
  #onUnread;

  // `onUnread` is called for each message that somebody else wrote.
  constructor(room, onUnread) {
    this.#room = room;
    this.#onUnread = onUnread;
    room.registerTextStreamHandler(TOPIC, async (reader, { identity }) => {
      const text = await reader.readAll().catch(() => '');
      const name = room.remoteParticipants.get(identity)?.name || identity;
      if (text) this.#add(name, text.slice(0, CHARACTERS_MAX));
      this.#onUnread();
    });
    byId('chat-form').onsubmit = (event) => {
      event.preventDefault();
      this.#send();
    };
  }

  async #send() {
    const input = byId('message');
    const text = input.value.trim();
    if (!text) return;
    input.value = '';
    try {
      await this.#room.localParticipant.sendText(text, { topic: TOPIC });
      this.#add('You', text);
    } catch (error) {
      input.value = text;
      this.#add('Not sent', error.message);
    }
  }

  #add(name, text) {
    const time = new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
    const list = byId('messages');
    const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 20;
    list.append(make('li', {}, make('small', { textContent: `${name}, ${time}` }), make('p', { textContent: text })));
    while (list.children.length > MESSAGES_MAX) list.firstElementChild.remove();
    if (atEnd) list.scrollTop = list.scrollHeight;
  }

  close() {
    this.#room.unregisterTextStreamHandler(TOPIC);
    byId('messages').replaceChildren();
  }
}
