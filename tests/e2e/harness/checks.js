// What every watched clip must hold up to.
import assert from 'node:assert/strict';
import { FRAMES, FRAMES_PER_SECOND, TONE_HZ } from '../pages/picture.js';
import { eventually } from './process.js';

// Colours go through another matrix in some codecs' decoders; the bars are grey and differ by 36.
const BAR_ERROR_MAX = 30;
// RFC 7714's name; Chromium puts SRTP_ before it.
export const PREFERRED_CIPHER = /^(SRTP_)?AEAD_AES_128_GCM$/;
// One bin of the viewer's analyser is 5.9 Hz.
const TONE_ERROR_HZ = 12;

// The frames' numbers advance, never step back, and keep pace with the clip. The browsers share the
// machine with everything else, so half of the pace is enough.
export async function assertPictureAdvances(viewer, { seconds = 4, pace = 0.5 } = {}) {
  const seen = await viewer.look(seconds);
  const wanted = seconds * FRAMES_PER_SECOND * pace;
  let advance = 0;
  for (let i = 1; i < seen.numbers.length; ++i) {
    const step = (seen.numbers[i] - seen.numbers[i - 1] + FRAMES) % FRAMES;
    // Half of the clip ahead is really a step back.
    assert.ok(step < FRAMES / 2, `frame ${seen.numbers[i]} came after ${seen.numbers[i - 1]}`);
    advance += step;
  }
  const found = `${seen.numbers.length} frames, ${advance} frames of the clip in ${seconds} s`;
  assert.ok(advance >= wanted, `too slow: ${found}`);
  assert.ok(seen.numbers.length >= wanted / 2, `too few: ${found}`);
  assert.ok(seen.unreadable <= seen.numbers.length / 10, `${seen.unreadable} frames were unreadable (${found})`);
  assert.ok(seen.barErrorMax <= BAR_ERROR_MAX, `the bars are wrong by up to ${seen.barErrorMax} of 255`);
  return seen;
}

export async function assertToneIsHeard(viewer) {
  await eventually(`a tone of ${TONE_HZ} Hz`, async () => {
    const hertz = await viewer.toneHz();
    if (hertz === null) return false;
    if (Math.abs(hertz - TONE_HZ) > TONE_ERROR_HZ) throw new Error(`the loudest tone is at ${hertz.toFixed(0)} Hz`);
    return true;
  }, 10);
}

// Picture and sound of the clip, encrypted with the profile that the node prefers.
export async function assertWatches(viewer, options) {
  await viewer.firstFrameMs();
  const path = await viewer.path();
  assert.match(path.srtpCipher, PREFERRED_CIPHER);
  const seen = await assertPictureAdvances(viewer, options);
  await assertToneIsHeard(viewer);
  return { path, seen };
}
