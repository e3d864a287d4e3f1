// One meeting, from joining to leaving: the room, and the parts of the page that show it.
import { DisconnectReason, Room, RoomEvent, ScreenSharePresets, Track, VideoPresets } from './vendor/livekit-client.esm.mjs';
import { Chat } from './chat.js';
import { Controls } from './controls.js';
import * as devices from './devices.js';
import { byId } from './dom.js';
import { notify } from './notices.js';
import { handAttribute, People } from './people.js';
import { showRoster } from './roster.js';
import { Stage } from './stage.js';
import { Statistics } from './statistics.js';

const PANELS = { chat: 'chat-panel', 'people-list': 'people-panel', 'statistics-list': 'statistics-panel' };

const ENDINGS = {
  [DisconnectReason.DUPLICATE_IDENTITY]: 'You joined this meeting somewhere else.',
  [DisconnectReason.PARTICIPANT_REMOVED]: 'You were removed from the meeting.',
  [DisconnectReason.ROOM_DELETED]: 'The meeting has ended.',
  [DisconnectReason.ROOM_CLOSED]: 'The meeting has ended.',
  [DisconnectReason.SERVER_SHUTDOWN]: 'The node is shutting down.',
};

// What makes the page look at everybody again.
const CHANGES = [
  RoomEvent.ParticipantConnected,
  RoomEvent.ParticipantDisconnected,
  RoomEvent.TrackPublished,
  RoomEvent.TrackUnpublished,
  RoomEvent.TrackSubscribed,
  RoomEvent.TrackUnsubscribed,
  RoomEvent.TrackMuted,
  RoomEvent.TrackUnmuted,
  RoomEvent.TrackStreamStateChanged,
  RoomEvent.LocalTrackPublished,
  RoomEvent.LocalTrackUnpublished,
  RoomEvent.ActiveSpeakersChanged,
  RoomEvent.ConnectionQualityChanged,
  RoomEvent.ParticipantAttributesChanged,
  RoomEvent.ParticipantNameChanged,
];

function makeRoom({ camera, microphone, speaker }) {
  return new Room({
    adaptiveStream: true, // a small tile is sent a small picture
    dynacast: true, // what nobody watches is not encoded
    videoCaptureDefaults: { ...devices.constraintOf(camera), resolution: VideoPresets.h720.resolution },
    audioCaptureDefaults: devices.constraintOf(microphone),
    audioOutput: speaker && speaker !== devices.OFF ? { deviceId: speaker } : undefined,
    publishDefaults: { screenShareEncoding: ScreenSharePresets.h1080fps15.encoding },
  });
}

export class Meeting {
  #room;
  #onEnd;
  #stage = new Stage();
  #people;
  #controls;
  #chat;
  #statistics;
  #drawing = 0;

  // Joins, or throws a sentence. `onEnd(sentence)` is called once, when it is over for whatever reason.
  static async join({ conference, token, camera, microphone, speaker }, onEnd) {
    const room = makeRoom({ camera, microphone, speaker });
    const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`;
    try {
      await room.connect(url, token);
    } catch (error) {
      throw new Error(`The meeting cannot be joined: ${error.message}`);
    }
    const meeting = new Meeting(room, conference, onEnd);
    await meeting.#open(camera, microphone);
    return meeting;
  }

  constructor(room, conference, onEnd) {
    this.#room = room;
    this.#onEnd = onEnd;
    this.#people = new People(room, (id) => this.#stage.pin(id));
    this.#chat = new Chat(room, () => this.#controls.badge('chat', byId('chat-panel').hidden));
    this.#statistics = new Statistics(() => this.#tracks());
    this.#controls = new Controls({
      microphone: () => this.#toggle('microphone', () => room.localParticipant.setMicrophoneEnabled(!room.localParticipant.isMicrophoneEnabled)),
      camera: () => this.#toggle('camera', () => room.localParticipant.setCameraEnabled(!room.localParticipant.isCameraEnabled)),
      share: () => this.#toggle('screen', () => room.localParticipant.setScreenShareEnabled(!room.localParticipant.isScreenShareEnabled, { audio: true, contentHint: 'detail' })),
      hand: () => this.#toggle('hand', () => room.localParticipant.setAttributes(handAttribute(!this.#hand))),
      chat: () => this.#openPanel('chat'),
      'people-list': () => this.#openPanel('people-list'),
      'statistics-list': () => this.#openPanel('statistics-list'),
      view: () => this.#stage.toggleView(),
      'device-choice': () => this.#chooseDevices(),
      'keys-help': () => byId('help').showModal(),
      leave: () => room.disconnect(),
    });
    byId('title').textContent = conference;
    document.title = `${conference} · Isthmus`;
    this.#listen();
  }

  // Lets go at once, as the page does when it is closed.
  leave() {
    return this.#room.disconnect();
  }

  get #hand() {
    return Boolean(Number(this.#room.localParticipant.attributes?.['isthmus.hand']));
  }

  #listen() {
    const room = this.#room;
    for (const change of CHANGES) room.on(change, () => this.#draw());
    room
      .on(RoomEvent.TrackSubscribed, (track) => {
        if (track.kind === Track.Kind.Audio) byId('sound').append(track.attach());
      })
      .on(RoomEvent.TrackUnsubscribed, (track) => {
        if (track.kind === Track.Kind.Audio) track.detach().forEach((element) => element.remove());
      })
      .on(RoomEvent.ParticipantConnected, ({ name, identity }) => notify(`${name || identity} joined`))
      .on(RoomEvent.ParticipantDisconnected, ({ name, identity }) => notify(`${name || identity} left`))
      .on(RoomEvent.SignalReconnecting, () => this.#tellConnection('Reconnecting…'))
      .on(RoomEvent.Reconnecting, () => this.#tellConnection('Reconnecting…'))
      .on(RoomEvent.Reconnected, () => this.#tellConnection(''))
      .on(RoomEvent.MediaDevicesError, (error) => notify(devices.sentenceOf(error)))
      .on(RoomEvent.MediaDevicesChanged, () => byId('devices').open && this.#fillDevices())
      .on(RoomEvent.AudioPlaybackStatusChanged, () => {
        // Browsers let sound begin only after a click; joining was one, but a reload is not.
        if (!room.canPlaybackAudio) addEventListener('click', () => room.startAudio(), { once: true });
      })
      .on(RoomEvent.Disconnected, (reason) => this.#end(ENDINGS[reason] ?? ''));
  }

  #tellConnection(text) {
    byId('connection').textContent = text;
  }

  async #open(camera, microphone) {
    byId('meeting').hidden = false;
    this.#draw();
    const { localParticipant } = this.#room;
    for (const id of ['microphone', 'camera', 'share']) this.#controls.hide(id, localParticipant.permissions?.canPublish === false);
    if (localParticipant.permissions?.canPublish === false) return;
    if (microphone !== devices.OFF) await this.#toggle('microphone', () => localParticipant.setMicrophoneEnabled(true));
    if (camera !== devices.OFF) await this.#toggle('camera', () => localParticipant.setCameraEnabled(true));
  }

  async #toggle(what, run) {
    try {
      await run();
    } catch (error) {
      // Nobody needs to be told that they chose no screen.
      if (what !== 'screen' || error.name !== 'NotAllowedError') notify(`${what}: ${devices.sentenceOf(error)}`);
    }
    this.#draw();
  }

  #openPanel(id) {
    for (const [button, panel] of Object.entries(PANELS)) byId(panel).hidden = button !== id || !byId(panel).hidden;
    if (byId('statistics-panel').hidden) this.#statistics.stop();
    else this.#statistics.start();
    if (!byId('chat-panel').hidden) {
      this.#controls.badge('chat', false);
      byId('message').focus();
    }
    this.#draw();
  }

  // Once a frame, however much happens in it.
  #draw() {
    this.#drawing ||= requestAnimationFrame(() => {
      this.#drawing = 0;
      const { states, entries } = this.#people.look();
      showRoster(states);
      this.#stage.show(entries);
      const { localParticipant } = this.#room;
      const pressed = {
        microphone: localParticipant.isMicrophoneEnabled,
        camera: localParticipant.isCameraEnabled,
        share: localParticipant.isScreenShareEnabled,
        hand: this.#hand,
        view: this.#stage.view === 'speaker',
      };
      for (const [button, panel] of Object.entries(PANELS)) pressed[button] = !byId(panel).hidden;
      for (const [id, on] of Object.entries(pressed)) this.#controls.press(id, on);
    });
  }

  #tracks() {
    const { localParticipant, remoteParticipants } = this.#room;
    return [localParticipant, ...remoteParticipants.values()].flatMap((participant) =>
      [...participant.trackPublications.values()]
        .filter(({ track }) => track)
        .map(({ trackSid, source, track }) => ({
          id: trackSid,
          label: `${participant.name || participant.identity}: ${source.replaceAll('_', ' ')}`,
          track,
        })),
    );
  }

  async #fillDevices() {
    const active = { camera: 'videoinput', microphone: 'audioinput', speaker: 'audiooutput' };
    byId('devices-speaker-field').hidden = !devices.speakersCanBeChosen;
    for (const [kind, mediaKind] of Object.entries(active)) {
      const select = byId(`devices-${kind}`);
      await devices.fill(select, kind, { chosen: this.#room.getActiveDevice(mediaKind) });
      select.onchange = () =>
        this.#toggle(kind, async () => {
          devices.remember(kind, select.value);
          await this.#room.switchActiveDevice(mediaKind, select.value);
        });
    }
  }

  async #chooseDevices() {
    await this.#fillDevices();
    byId('devices').showModal();
  }

  #end(sentence) {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = -1; // no more of it
    this.#statistics.stop();
    this.#chat.close();
    this.#controls.close();
    this.#people.close();
    this.#stage.close();
    byId('sound').replaceChildren();
    for (const panel of Object.values(PANELS)) byId(panel).hidden = true;
    document.querySelectorAll('dialog[open]').forEach((dialog) => dialog.close());
    this.#tellConnection('');
    byId('meeting').hidden = true;
    document.title = 'Isthmus';
    this.#onEnd(sentence);
  }
}
