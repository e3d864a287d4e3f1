// The page that the node serves to people, used as they use it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import path from 'node:path';
import { eventually, ROOT } from './harness/process.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open({
  // The page is served from an address that is no loopback, without TLS.
  prepare: () => ({ browserFlags: ['--unsafely-treat-insecure-origin-as-secure=http://10.77.0.1:8080'] }),
})));
after(() => world?.close());

async function open(browser, conference, query = '') {
  const page = await browser.context.newPage();
  page.on('pageerror', (error) => console.log(`# page: ${error}`));
  await page.goto(`${world.node.url()}/meet/${conference}${query}`);
  return page;
}

async function join(browser, conference, name) {
  const page = await open(browser, conference);
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByRole('button', { name: 'Leave' }).waitFor();
  return page;
}

async function pair(conference) {
  const alice = await join(world.publishing, conference, 'Alice');
  const bob = await join(world.watching, conference, 'Bob');
  const camera = bob.getByLabel('Camera of Alice');
  await camera.waitFor();
  await eventually('Bob sees Alice', () => playing(camera));
  return { alice, bob, camera, close: () => Promise.all([alice.close(), bob.close()]) };
}

const playing = (video) => video.evaluate((element) => element.currentTime > 1 && element.videoWidth > 0);
const button = (page, name) => page.getByRole('button', { name, exact: true });
const pressed = async (page, name) => (await button(page, name).getAttribute('aria-pressed')) === 'true';

async function openPanel(page, name) {
  if (!(await pressed(page, name))) await button(page, name).click();
}

test('two people meet, on a wall and on a phone', async () => {
  const { alice, bob, camera, close } = await pair('page');
  await openPanel(bob, 'People');
  await bob.locator('#people li', { hasText: 'Alice' }).getByText('microphone on, camera on').waitFor();
  await alice.getByText('2 people').waitFor();
  await button(bob, 'People').click();
  await bob.setViewportSize({ width: 360, height: 640 });
  await eventually('no sideways scroll', () => bob.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  for (const name of ['Microphone', 'Camera', 'Leave']) {
    assert.ok(await button(bob, name).isVisible(), `${name} is there on a phone`);
  }
  await bob.setViewportSize({ width: 1280, height: 720 });

  await button(alice, 'Leave').click();
  await alice.getByRole('button', { name: 'Join' }).waitFor();
  await eventually("Alice is gone from Bob's page", async () => (await camera.count()) === 0);
  await bob.getByText('Only you are here').waitFor();
  await close();
});

test('microphone and camera are switched, by button and by key', async () => {
  const { alice, bob, camera, close } = await pair('switching');
  await openPanel(bob, 'People');
  const line = bob.locator('#people li', { hasText: 'Alice' });
  await alice.locator('body').press('m');
  await line.getByText('muted').waitFor();
  assert.equal(await pressed(alice, 'Microphone'), false);
  await button(alice, 'Camera').click();
  await eventually('no picture of Alice', async () => !(await camera.isVisible()));
  await button(alice, 'Camera').click();
  await button(alice, 'Microphone').click();
  await line.getByText('microphone on, camera on').waitFor();
  await eventually('Bob sees Alice again', () => playing(camera));
  await close();
});

test('people write, raise hands and share screens', async () => {
  const { alice, bob, close } = await pair('together');
  await button(alice, 'Chat').click();
  await alice.getByLabel('Message').fill('Is m typed here a letter?');
  await alice.getByLabel('Message').press('m');
  await alice.getByRole('button', { name: 'Send' }).click();
  assert.equal(await pressed(alice, 'Microphone'), true, 'keys mean nothing while typing');
  await button(bob, 'Chat').click();
  await bob.getByText('Is m typed here a letter?m').waitFor();

  await button(alice, 'Raise hand').click();
  await openPanel(bob, 'People');
  await bob.locator('#people li').first().getByText('hand raised').waitFor();

  await button(alice, 'Share screen').click();
  const screen = bob.getByLabel('Screen of Alice');
  await screen.waitFor();
  await eventually("Bob sees Alice's screen", () => playing(screen));
  // A shared screen is shown large.
  assert.equal(await bob.locator('#focus').getByLabel('Screen of Alice').count(), 1);
  await button(alice, 'Share screen').click();
  await eventually('the screen is gone', async () => (await screen.count()) === 0);
  await close();
});

test('views, devices and statistics', async () => {
  const { bob, close } = await pair('looking');
  await bob.locator('body').press('g');
  await eventually('Alice is large', async () => (await bob.locator('#focus').getByLabel('Camera of Alice').count()) === 1);
  await button(bob, 'Statistics').click();
  const row = bob.locator('#statistics tr', { hasText: 'Alice: camera' });
  await eventually('figures of Alice', async () => (await row.count()) === 1 && Number(await row.locator('td').nth(2).textContent()) > 20);
  await button(bob, 'Devices').click();
  const microphone = bob.getByRole('dialog').getByLabel('Microphone');
  await microphone.waitFor();
  const choices = await microphone.locator('option').evaluateAll((options) => options.map(({ value }) => value));
  assert.ok(choices.length > 0 && !choices.includes('off'), `the microphones of a meeting: ${choices}`);
  await microphone.selectOption(choices.at(-1));
  await bob.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  await bob.locator('body').press('?');
  await bob.getByRole('dialog').getByText('Raise hand').waitFor();
  await close();
});

test('closing the page leaves politely', async () => {
  const alice = await join(world.publishing, 'closing', 'Alice');
  await eventually('Alice is there', async () => (await world.participants('closing')).length > 0);
  await alice.close({ runBeforeUnload: true });
  await eventually('Alice is gone', async () => (await world.participants('closing')).length === 0, 3);
});

test('a wrong token is explained', async () => {
  const page = await open(world.watching, 'page', '?name=Mallory&token=nonsense');
  await page.getByRole('button', { name: 'Join' }).click();
  const alert = page.locator('#lobby-alert');
  await eventually('a sentence', async () => /not an access token/.test(await alert.textContent()));
  assert.ok(!page.url().includes('token'));
  await page.close();
});

// ISTHMUS_SCREENSHOT=docs/meeting.png tools/dev e2e meet.test.js keeps the picture.
test('four people are four pictures', async () => {
  const names = ['Alice', 'Bob', 'Carol', 'Dave'];
  const pages = [];
  for (const name of names) pages.push(await join(world.publishing, 'four', name));
  const shown = pages[0].locator('#tiles figure');
  await eventually('four tiles', async () => (await shown.count()) === 4);
  for (const name of names.slice(1)) {
    const camera = pages[0].getByLabel(`Camera of ${name}`);
    await eventually(`Alice sees ${name}`, () => playing(camera));
  }
  const boxes = await shown.evaluateAll((tiles) => tiles.map((tile) => tile.getBoundingClientRect().toJSON()));
  assert.ok(boxes.every(({ width, right, bottom }) => width > 300 && right <= 1280 && bottom <= 720), 'all in the window');
  if (process.env.ISTHMUS_SCREENSHOT) {
    await openPanel(pages[0], 'People');
    await pages[0].bringToFront();
    await eventually('the panel', () => pages[0].locator('#people li').nth(3).isVisible());
    await pages[0].screenshot({ path: path.join(ROOT, process.env.ISTHMUS_SCREENSHOT) });
  }
  await Promise.all(pages.map((page) => page.close()));
});
