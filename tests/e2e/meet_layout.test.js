// The arithmetic of the meeting page's pictures; no browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseFocus, chooseShown, gridFor, pageSize } from '../../tools/meet/layout.js';

test('pictures are as large as the window lets them be', () => {
  assert.deepEqual(gridFor(1, 1600, 900), { columns: 1, rows: 1, tileWidth: 1600 });
  // Two in a wide window stand side by side, in a tall one above each other.
  assert.equal(gridFor(2, 1600, 600).columns, 2);
  assert.equal(gridFor(2, 400, 800).columns, 1);
  for (let count = 1; count <= 49; ++count) {
    const { columns, rows, tileWidth } = gridFor(count, 1280, 640, 8);
    assert.ok(columns * rows >= count, `${count} fit`);
    assert.ok(columns * tileWidth + 8 * (columns - 1) <= 1280, `${count} are not too wide`);
    assert.ok((rows * tileWidth * 9) / 16 + 8 * (rows - 1) <= 640, `${count} are not too high`);
    assert.ok(tileWidth > 100, `${count} can be recognised`);
  }
  assert.equal(gridFor(3, 0, 0).tileWidth, 0);
});

test('a phone shows fewer pictures than a wall', () => {
  assert.ok(pageSize(360, 600) < pageSize(1280, 720));
  assert.equal(pageSize(10, 10), 1);
  assert.equal(pageSize(7680, 4320), 49);
});

test('who speaks or shares is shown when not all fit, and nobody jumps', () => {
  const people = Array.from({ length: 10 }, (_, id) => ({ id: String(id), spokeAt: 0, hasPicture: id % 2 === 0 }));
  assert.equal(chooseShown(people, 10), people);
  people[9].spokeAt = 5;
  people[7].sharing = true;
  people[5].own = true;
  assert.deepEqual(chooseShown(people, 4).map(({ id }) => id), ['0', '5', '7', '9']);
});

test('the speaker view follows pin, screen, speech, and falls back', () => {
  const own = { id: 'own', own: true };
  const alice = { id: 'alice', spokeAt: 1 };
  const bob = { id: 'bob', spokeAt: 2 };
  const screen = { id: 'carol/screen', sharing: true };
  assert.equal(chooseFocus([own, alice, bob, screen], 'alice'), alice);
  assert.equal(chooseFocus([own, alice, bob, screen], null), screen);
  assert.equal(chooseFocus([own, alice, bob], 'gone'), bob);
  assert.equal(chooseFocus([own, { id: 'dave' }], null).id, 'dave');
  assert.equal(chooseFocus([own], null), own);
  assert.equal(chooseFocus([], null), null);
});
