// The picture and the sound that browsers publish in place of a camera and a microphone: known, so that
// the other end can tell whether they are what came.
//
// 320x180, 30 frames/s, 240 frames, then from the start:
//   rows   0..39   the frame's number in 12 cells, most significant bit first, white is 1: 8 bits of
//                  number, 4 bits that check them (pages/picture.js reads them)
//   rows  40..119  eight bars of known luma
//   rows 120..179  a ramp that moves, so that no frame equals another
// Sound: 1000 Hz, steady.
import fs from 'node:fs';
import path from 'node:path';
import { BARS, CELLS, FRAMES, FRAMES_PER_SECOND, HEIGHT, TONE_HZ, WIDTH, codeOf } from '../pages/picture.js';
import { makeFolder } from './process.js';

const STRIP_END = 40;
const BARS_END = 120;
const SAMPLES_PER_SECOND = 48000;

function drawLuma(number) {
  const luma = Buffer.alloc(WIDTH * HEIGHT);
  const code = codeOf(number);
  for (let column = 0; column < WIDTH; ++column) {
    const bit = CELLS - 1 - Math.floor((column * CELLS) / WIDTH);
    const cell = (code >> bit) & 1 ? 235 : 16;
    const bar = BARS[Math.floor((column * BARS.length) / WIDTH)];
    const ramp = 16 + ((column + number * 4) % 220);
    for (let row = 0; row < HEIGHT; ++row) {
      luma[row * WIDTH + column] = row < STRIP_END ? cell : row < BARS_END ? bar : ramp;
    }
  }
  return luma;
}

function writePicture(file) {
  const chroma = Buffer.alloc((WIDTH * HEIGHT) / 2, 128);
  const parts = [Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FRAMES_PER_SECOND}:1 Ip A1:1 C420jpeg\n`)];
  for (let number = 0; number < FRAMES; ++number) {
    parts.push(Buffer.from('FRAME\n'), drawLuma(number), chroma);
  }
  fs.writeFileSync(file, Buffer.concat(parts));
}

function writeTone(file) {
  const samples = SAMPLES_PER_SECOND * 4;
  const wav = Buffer.alloc(44 + samples * 2);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + samples * 2, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20); // PCM
  wav.writeUInt16LE(1, 22); // mono
  wav.writeUInt32LE(SAMPLES_PER_SECOND, 24);
  wav.writeUInt32LE(SAMPLES_PER_SECOND * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(samples * 2, 40);
  for (let i = 0; i < samples; ++i) {
    wav.writeInt16LE(Math.round(12000 * Math.sin((2 * Math.PI * TONE_HZ * i) / SAMPLES_PER_SECOND)), 44 + 2 * i);
  }
  fs.writeFileSync(file, wav);
}

export function makeClip() {
  const folder = makeFolder('clip');
  const clip = { picture: path.join(folder, 'picture.y4m'), tone: path.join(folder, 'tone.wav') };
  writePicture(clip.picture);
  writeTone(clip.tone);
  return clip;
}
