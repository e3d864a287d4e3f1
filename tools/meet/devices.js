// Cameras, microphones and speakers: lists of them in <select> elements, and the choice remembered.
import { make } from './dom.js';

const KINDS = { camera: 'videoinput', microphone: 'audioinput', speaker: 'audiooutput' };
const NAMES = { camera: 'Camera', microphone: 'Microphone', speaker: 'Speaker' };

export const OFF = 'off';
export const speakersCanBeChosen = 'setSinkId' in HTMLMediaElement.prototype;

export const remembered = (kind) => localStorage.getItem(`isthmus.${kind}`) ?? '';

export const remember = (kind, id) => localStorage.setItem(`isthmus.${kind}`, id);

// What getUserMedia wants of a device: the one that was chosen where it is still there.
export const constraintOf = (id) => (id && id !== OFF ? { deviceId: { ideal: id } } : {});

// Fills a <select> with the devices of a kind, the chosen one selected. "Off" is a choice where
// `canBeOff`.
export async function fill(select, kind, { chosen = remembered(kind), canBeOff = false } = {}) {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  const devices = all.filter((device) => device.kind === KINDS[kind] && device.deviceId !== 'communications');
  const options = devices.map((device, index) =>
    make('option', { value: device.deviceId, textContent: device.label || `${NAMES[kind]} ${index + 1}` }),
  );
  if (canBeOff || options.length === 0) options.push(make('option', { value: OFF, textContent: 'Off' }));
  select.replaceChildren(...options);
  select.value = options.some((option) => option.value === chosen) ? chosen : options[0].value;
}

const SENTENCES = {
  NotAllowedError: 'The browser did not allow it. Allow camera and microphone for this page, then try again.',
  NotFoundError: 'No such device was found.',
  NotReadableError: 'The device is in use by another program.',
  OverconstrainedError: 'The device that was chosen is not there any more.',
};

// A sentence for whatever getUserMedia failed with.
export const sentenceOf = (error) => SENTENCES[error.name] ?? error.message;
