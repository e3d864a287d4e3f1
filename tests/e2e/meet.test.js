// The page that the node serves to people, used as they use it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from './harness/process.js';
import { World } from './harness/world.js';

let world;
before(async () => (world = await World.open({
  // The page is served from an address that is no loopback, without TLS.
  prepare: () => ({ browserFlags: ['--unsafely-treat-insecure-origin-as-secure=http://10.77.0.1:8080'] }),
})));
after(() => world?.close());

async function join(browser, conference, name) {
  const page = await browser.context.newPage();
  page.on('pageerror', (error) => console.log(`# page: ${error}`));
  await page.goto(`${world.node.url()}/?conference=${conference}`);
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByRole('button', { name: 'Publish' }).waitFor();
  return page;
}

const playing = (video) => video.evaluate((element) => element.currentTime > 1 && element.videoWidth > 0);

test('two people meet on the page', async () => {
  const alice = await join(world.publishing, 'page', 'Alice');
  const bob = await join(world.watching, 'page', 'Bob');
  await alice.getByRole('button', { name: 'Publish' }).click();

  const picture = bob.getByLabel('Camera of Alice');
  await picture.waitFor();
  await eventually('Bob sees Alice', () => playing(picture));
  await bob.getByText('Alice: microphone and camera').or(bob.getByText('Alice: camera and microphone')).waitFor();
  await alice.getByText('Alice (you)', { exact: false }).first().waitFor();
  // A phone's width has no sideways scroll.
  await bob.setViewportSize({ width: 360, height: 640 });
  assert.ok(await bob.evaluate(() => document.documentElement.scrollWidth <= innerWidth));

  await alice.getByRole('button', { name: 'Leave' }).click();
  await alice.getByRole('button', { name: 'Join' }).waitFor();
  await eventually('Alice is gone from Bob\'s page', async () => (await picture.count()) === 0);
  await bob.close();
  await alice.close();
});

test('closing the page leaves politely', async () => {
  const alice = await join(world.publishing, 'closing', 'Alice');
  await alice.getByRole('button', { name: 'Publish' }).click();
  await alice.getByRole('button', { name: 'Stop publishing' }).waitFor();
  await eventually('Alice publishes', async () => (await world.participants('closing')).length > 0);
  await alice.close({ runBeforeUnload: true });
  await eventually('Alice is gone', async () => (await world.participants('closing')).length === 0, 3);
});

test('a wrong token is explained', async () => {
  const page = await world.watching.context.newPage();
  await page.goto(`${world.node.url()}/?conference=page&name=Mallory&token=nonsense`);
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByRole('alert').waitFor();
  assert.match(await page.getByRole('alert').textContent(), /not an access token/);
  assert.ok(!page.url().includes('token'));
  await page.close();
});
