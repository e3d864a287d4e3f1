// Simulcast as Chromium makes it: three encodings, each a stream of its own.
import { after, before, test } from 'node:test';
import { assertMovesBetweenSizes, simulcast } from './harness/layers.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

test('VP8 simulcast: a viewer moves between sizes', (t) =>
  assertMovesBetweenSizes(t, world, { codec: 'VP8', encodings: simulcast('L1T3') }));

test('H.264 simulcast: a viewer moves between sizes', (t) =>
  assertMovesBetweenSizes(t, world, { codec: 'H264', encodings: simulcast('L1T1') }));
