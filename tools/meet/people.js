// Who is in a room, as the page shows them.
import { Track } from './vendor/livekit-client.esm.mjs';
import { Tile } from './tile.js';

const HAND = 'isthmus.hand';

export const handAttribute = (raised) => ({ [HAND]: raised ? String(Date.now()) : '' });

const trackOf = (publication) => (publication?.isMuted ? null : (publication?.videoTrack ?? null));

// One participant of the room, with the tiles of its camera and of the screen that it shares.
class Person {
  spokeAt = 0;
  #tiles = new Map(); // by source
  #pin;

  constructor(participant, own, pin) {
    this.participant = participant;
    this.own = own;
    this.id = participant.identity;
    this.#pin = pin;
  }

  get name() {
    return this.participant.name || this.participant.identity;
  }

  get state() {
    const { participant } = this;
    const microphone = participant.getTrackPublication(Track.Source.Microphone);
    const camera = participant.getTrackPublication(Track.Source.Camera);
    return {
      id: this.id,
      own: this.own,
      name: this.name,
      muted: !microphone || microphone.isMuted,
      cameraOn: Boolean(camera) && !camera.isMuted,
      sharing: Boolean(participant.getTrackPublication(Track.Source.ScreenShare)),
      hand: Number(participant.attributes?.[HAND]) || 0,
      quality: participant.connectionQuality,
      speaking: participant.isSpeaking,
    };
  }

  #entry(source, state) {
    const publication = this.participant.getTrackPublication(source);
    const sharing = source === Track.Source.ScreenShare;
    const id = sharing ? `${this.id}/screen` : this.id;
    let tile = this.#tiles.get(source);
    if (!tile) {
      tile = new Tile({ own: this.own, sharing }, () => this.#pin(id));
      this.#tiles.set(source, tile);
    }
    const track = trackOf(publication);
    const paused = !this.own && track?.streamState === Track.StreamState.Paused;
    tile.show({ ...state, paused });
    tile.setTrack(track);
    return { id, own: this.own, sharing, spokeAt: this.spokeAt, hasPicture: Boolean(track), tile };
  }

  entries(state) {
    const entries = [this.#entry(Track.Source.Camera, state)];
    if (state.sharing) {
      entries.push(this.#entry(Track.Source.ScreenShare, state));
    } else {
      this.#tiles.get(Track.Source.ScreenShare)?.close();
      this.#tiles.delete(Track.Source.ScreenShare);
    }
    return entries;
  }

  close() {
    this.#tiles.forEach((tile) => tile.close());
    this.#tiles.clear();
  }
}

export class People {
  #room;
  #pin;
  #known = new Map(); // by identity

  // `pin(id)` is called when somebody picks the picture of an entry.
  constructor(room, pin) {
    this.#room = room;
    this.#pin = pin;
  }

  // { states, entries } of everybody, oneself first, the others in the order of joining.
  look() {
    const { localParticipant, remoteParticipants } = this.#room;
    const others = [...remoteParticipants.values()].sort((a, b) => (a.joinedAt ?? 0) - (b.joinedAt ?? 0));
    const present = new Map([localParticipant, ...others].map((participant) => [participant.identity, participant]));
    for (const [identity, person] of this.#known) {
      if (present.get(identity) !== person.participant) {
        person.close();
        this.#known.delete(identity);
      }
    }
    const states = [];
    const entries = [];
    for (const participant of present.values()) {
      let person = this.#known.get(participant.identity);
      if (!person) {
        person = new Person(participant, participant === localParticipant, this.#pin);
        this.#known.set(participant.identity, person);
      }
      if (participant.isSpeaking) person.spokeAt = Date.now();
      const state = person.state;
      states.push(state);
      entries.push(...person.entries(state));
    }
    return { states, entries };
  }

  close() {
    this.#known.forEach((person) => person.close());
    this.#known.clear();
  }
}
