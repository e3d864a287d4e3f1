// AV1 with spatial layers in one stream. Without the dependency descriptor the viewer sees an unbroken stream.
import { after, before, test } from 'node:test';
import { assertMovesBetweenSizes, svc } from './harness/layers.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open()));
after(() => world?.close());

test('AV1 L3T3: a viewer moves between sizes', (t) =>
  assertMovesBetweenSizes(t, world, { codec: 'AV1', encodings: svc('L3T3') }));

test('AV1 L3T3 with dependency descriptors', (t) =>
  assertMovesBetweenSizes(t, world, { codec: 'AV1', encodings: svc('L3T3'), descriptors: true }));
