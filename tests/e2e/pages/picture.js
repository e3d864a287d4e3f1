// The known picture: what harness/clip.js draws and the viewer's page reads.
export const WIDTH = 320;
export const HEIGHT = 180;
export const FRAMES = 240;
export const FRAMES_PER_SECOND = 30;
export const CELLS = 12;
export const BARS = [235, 204, 173, 142, 110, 79, 48, 16]; // luma, BT.601 studio range
export const TONE_HZ = 1000;

// Four bits that a picture of something else, or a cell read wrongly, is unlikely to have right.
function checkOf(number) {
  return (number ^ (number >> 4) ^ 0b1010) & 0b1111;
}

export function codeOf(number) {
  return (number << 4) | checkOf(number);
}

// The frame's number, or null.
export function numberOf(code) {
  const number = code >> 4;
  return codeOf(number) === code && number < FRAMES ? number : null;
}

// What a decoder shows for a luma of studio range, as RGB of full range.
export function brightnessOf(luma) {
  return Math.round(((luma - 16) * 255) / 219);
}
