// What the page asks of the node besides WHIP and WHEP.
import { HttpError, request } from './whip.js';

export const whipUrl = (conference) => `/whip/${encodeURIComponent(conference)}`;

export const whepUrl = (conference, identity) =>
  `/whep/${encodeURIComponent(conference)}?participant=${encodeURIComponent(identity)}`;

// A token from the node itself; null where it gives none, which is everywhere but with --dev.
export async function developmentToken(conference, identity, name) {
  const query = new URLSearchParams({ conference, identity, name });
  try {
    return (await (await request(`/dev/token?${query}`)).json()).token;
  } catch (error) {
    if (error instanceof HttpError && error.status === 404) return null;
    throw error;
  }
}

// The claims of an access token, unchecked: the node checks them. Null when it is no token.
export function claimsOf(token) {
  try {
    const body = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(body), (c) => c.charCodeAt(0))));
  } catch {
    return null;
  }
}

// Who is in the conference: [{ identity, name, tracks: [{ kind }] }], each person once. Empty where nobody
// has joined yet. Each thing that a person watches is a participant of its own to the node, named
// "<identity>~<random>".
export async function people(conference, token) {
  let participants;
  try {
    participants = await (await request(`/whep/${encodeURIComponent(conference)}/participants`, { token })).json();
  } catch (error) {
    if (error instanceof HttpError && error.status === 404) return [];
    throw error;
  }
  const found = new Map();
  for (const { identity, name, tracks } of participants) {
    const person = identity.split('~')[0];
    const known = found.get(person) ?? { identity: person, name, tracks: [] };
    known.tracks.push(...tracks);
    found.set(person, known);
  }
  return [...found.values()];
}
