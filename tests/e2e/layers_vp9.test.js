// VP9 with spatial layers in one stream, told by its own descriptor and by the dependency descriptor.
import { after, before, test } from 'node:test';
import { assertMovesBetweenSizes, svc } from './harness/layers.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

test('VP9 L3T3_KEY: a viewer moves between sizes', (t) =>
  assertMovesBetweenSizes(t, world, { codec: 'VP9', encodings: svc('L3T3_KEY') }));

test('VP9 L3T3_KEY with dependency descriptors', (t) =>
  assertMovesBetweenSizes(t, world, { codec: 'VP9', encodings: svc('L3T3_KEY'), descriptors: true }));
