// The page: join a conference, publish, watch everybody who publishes, leave.
import { claimsOf, developmentToken, people } from './api.js';
import { openDevices, publish, watch } from './media.js';
import { Tile } from './tile.js';

// How often the page asks who is here.
const LIST_MS = 2000;

const element = (id) => document.getElementById(id);
const tiles = element('tiles');

// While in a conference: { conference, token, identity, name, timer, watched, own }.
// `watched`: identity -> { tile, session, tracks }; `own`: { tile, session, stream } while publishing.
let meeting = null;

function tell(text) {
  element('message').textContent = text;
  element('message').hidden = !text;
}

// Runs what a click asks for; its failure becomes the message on the page.
function action(button, run) {
  return async (event) => {
    event.preventDefault();
    tell('');
    button.disabled = true;
    try {
      await run();
    } catch (error) {
      tell(error.message);
    } finally {
      button.disabled = false;
    }
  };
}

// Different people may choose the same name; the second would put the first out of the conference.
function identityFor(name) {
  const suffix = crypto.getRandomValues(new Uint32Array(1))[0].toString(36);
  return `${name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-')}-${suffix}`;
}

async function obtainToken(conference, name) {
  const pasted = element('token').value.trim();
  if (pasted) return pasted;
  const token = await developmentToken(conference, identityFor(name), name);
  if (token) return token;
  element('token-field').hidden = false;
  element('token').focus();
  throw new Error('This node needs an access token.');
}

async function join() {
  const conference = element('conference').value.trim();
  const name = element('name').value.trim();
  const token = await obtainToken(conference, name);
  const claims = claimsOf(token);
  if (!claims) throw new Error('That is not an access token: it should be three parts with dots between.');
  if (claims.video?.room && claims.video.room !== conference) {
    throw new Error(`This access token is for the conference "${claims.video.room}".`);
  }
  meeting = { conference, token, name: claims.name || name, identity: claims.sub, watched: new Map(), own: null, timer: 0 };
  try {
    await refresh(meeting);
  } catch (error) {
    meeting = null;
    throw error;
  }
  element('join-form').hidden = true;
  element('conference-view').hidden = false;
  element('where').hidden = false;
  element('where').textContent = conference;
  element('publish').hidden = claims.video?.canPublish === false;
  scheduleRefresh(meeting);
}

function scheduleRefresh(current) {
  current.timer = setTimeout(async () => {
    try {
      await refresh(current);
      if (current.listFailed) tell('');
      current.listFailed = false;
    } catch (error) {
      current.listFailed = true;
      if (current === meeting) tell(error.message);
    }
    if (current === meeting) scheduleRefresh(current);
  }, LIST_MS);
}

// Makes the list and the tiles match who is here.
async function refresh(current) {
  const present = await people(current.conference, current.token);
  if (current !== meeting) return;
  showPeople(present, current);
  const publishers = present.filter(({ identity, tracks }) => identity !== current.identity && tracks.length > 0);
  for (const [identity, entry] of current.watched) {
    const person = publishers.find((publisher) => publisher.identity === identity);
    // Watched before all of its tracks were there: watch it again.
    if (!person || person.tracks.length !== entry.tracks) stopWatching(current, identity);
  }
  for (const person of publishers) {
    if (!current.watched.has(person.identity)) startWatching(current, person);
  }
}

function showPeople(present, current) {
  const self = { identity: current.identity, name: current.name, tracks: [] };
  // The node does not know somebody who neither publishes nor has anything to watch: oneself, at first.
  const all = present.some(({ identity }) => identity === current.identity) ? present : [self, ...present];
  const items = all.map(({ identity, name, tracks }) => {
    const item = document.createElement('li');
    const kinds = tracks.map(({ kind }) => (kind === 'video' ? 'camera' : 'microphone'));
    const what = kinds.length > 0 ? kinds.join(' and ') : 'watching';
    item.textContent = `${name || identity}${identity === current.identity ? ' (you)' : ''}: ${what}`;
    return item;
  });
  element('people').replaceChildren(...items);
}

async function startWatching(current, { identity, name, tracks }) {
  const entry = { tile: new Tile(tiles, name || identity), session: null, tracks: tracks.length };
  current.watched.set(identity, entry);
  const forget = () => {
    if (current.watched.get(identity) === entry) stopWatching(current, identity);
  };
  try {
    entry.session = await watch(identity, {
      conference: current.conference,
      token: current.token,
      onTrack: (track) => entry.tile.add(track),
      onGone: forget,
    });
  } catch (error) {
    forget(); // The next refresh tries again.
    tell(`${name || identity} cannot be watched: ${error.message}`);
  }
  // Gone while the answer was on its way.
  if (current.watched.get(identity) !== entry) entry.session?.stop();
}

function stopWatching(current, identity) {
  const { tile, session } = current.watched.get(identity);
  current.watched.delete(identity);
  tile.remove();
  session?.stop();
}

async function startPublishing() {
  const current = meeting;
  const stream = await openDevices();
  const own = { stream, session: null, tile: new Tile(tiles, current.name, { own: true }) };
  stream.getVideoTracks().forEach((track) => own.tile.add(track));
  current.own = own;
  try {
    own.session = await publish(stream, {
      conference: current.conference,
      token: current.token,
      onGone: (error) => {
        stopPublishing(current);
        tell(`You are no longer published. ${error.message}`);
      },
    });
  } catch (error) {
    stopPublishing(current);
    throw error;
  }
  if (current.own !== own) await own.session.stop(); // left meanwhile
  showControls();
}

async function stopPublishing(current) {
  const own = current.own;
  current.own = null;
  own?.tile.remove();
  own?.stream.getTracks().forEach((track) => track.stop());
  showControls();
  await own?.session?.stop();
}

function showControls() {
  const own = meeting?.own;
  element('publish').textContent = own ? 'Stop publishing' : 'Publish';
  for (const [id, tracks] of [
    ['microphone', own?.stream.getAudioTracks()],
    ['camera', own?.stream.getVideoTracks()],
  ]) {
    element(id).hidden = !tracks?.length;
    element(id).setAttribute('aria-pressed', String(tracks?.[0]?.enabled === false));
  }
}

// The pressed state says whether the track is off; the label stays, as assistive technology expects.
function toggle(tracks) {
  tracks.forEach((track) => (track.enabled = !track.enabled));
  showControls();
}

async function leave({ keepalive = false } = {}) {
  const current = meeting;
  if (!current) return;
  meeting = null;
  clearTimeout(current.timer);
  const sessions = [...current.watched.values(), current.own].map((entry) => entry?.session);
  current.watched.forEach(({ tile }) => tile.remove());
  current.watched.clear();
  const stream = current.own?.stream;
  current.own?.tile.remove();
  current.own = null;
  stream?.getTracks().forEach((track) => track.stop());
  element('conference-view').hidden = true;
  element('where').hidden = true;
  element('join-form').hidden = false;
  showControls();
  await Promise.all(sessions.map((session) => session?.stop({ keepalive })));
}

const parameters = new URLSearchParams(location.search);
element('conference').value = parameters.get('conference') ?? 'demo';
element('name').value = parameters.get('name') ?? '';
if (parameters.has('token')) {
  element('token').value = parameters.get('token');
  element('token-field').hidden = false;
  // A secret does not belong in the address bar or the history.
  parameters.delete('token');
  history.replaceState(null, '', `${location.pathname}${parameters.size > 0 ? `?${parameters}` : ''}`);
}

const onClick = (id, run) => element(id).addEventListener('click', action(element(id), run));
element('join-form').addEventListener('submit', action(element('join-form').querySelector('button'), join));
onClick('publish', () => (meeting.own ? stopPublishing(meeting) : startPublishing()));
onClick('microphone', () => toggle(meeting.own.stream.getAudioTracks()));
onClick('camera', () => toggle(meeting.own.stream.getVideoTracks()));
onClick('leave', () => leave());
addEventListener('pagehide', () => leave({ keepalive: true }));
