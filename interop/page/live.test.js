// Events, SDKs, and the stream of changes.

import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';

import { Tab, launch } from './browser.js';
import { Server } from './server.js';

let browser;
let server;
before(async () => {
  browser = await launch();
  server = await Server.start();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});
beforeEach(() => server.reset());

const SUMMARY = {
  kind: 'summary', startDate: 1, endDate: 2,
  features: { theme: { default: 'light', contextKinds: ['user'], counters: [{ variation: 1, version: 8, value: 'dark', count: 10 }] } },
};
const CUSTOM = { kind: 'custom', key: 'purchase', creationDate: 1, metricValue: 49.5, context: { kind: 'user', key: 'ada' } };

test('events arrive, are counted, filtered, paused, downloaded and cleared', async () => {
  const tab = await Tab.open(browser, server, '#/default/events');
  await tab.shows('.empty h2', 'No events yet');
  await server.sendEvents([SUMMARY, CUSTOM]);
  await tab.shows('.events', 'purchase 49.5 for user "ada"');
  await tab.shows('.events', '10 evaluations of 1 flag: theme');
  await tab.shows('#tabs', '2');

  await tab.select('select[aria-label=Kind]', 'custom');
  await tab.until(() => document.querySelectorAll('.events .what').length === 1);
  await tab.tap('.events .what');
  await tab.shows('.details', '"metricValue": 49.5');
  await tab.select('select[aria-label=Kind]', '');

  await tab.click('Pause');
  await server.sendEvents([{ ...CUSTOM, key: 'later' }]);
  await tab.shows('.toolbar', 'Resume (1 new)');
  assert.doesNotMatch(await tab.text('.events'), /later/);
  await tab.click('Resume');
  await tab.shows('.events', 'later');

  await tab.click('Counts');
  await tab.shows('.events', 'theme');
  assert.match((await tab.text('.events tbody')).replaceAll(/\s+/g, ' '), /theme 1 "dark" 8 10 /);
  await tab.click('Events', '.segmented');

  const folder = path.join(server.folder, 'downloads');
  await mkdir(folder);
  const session = await tab.page.createCDPSession();
  await session.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: folder, browserContextId: tab.context.id });
  await tab.shows('.events', 'later');
  await tab.click('Download', '#view-events');
  let names = [];
  for (let tries = 0; !names.includes('events.ndjson') && tries < 200; tries += 1) {
    await new Promise((resolve) => { setTimeout(resolve, 50); });
    names = await readdir(folder);
  }
  const lines = (await readFile(path.join(folder, 'events.ndjson'), 'utf8')).trimEnd().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ event }) => event.kind), ['summary', 'custom', 'custom']);

  await tab.click('Clear', '#view-events');
  await tab.click('Clear', 'dialog');
  await tab.shows('.empty h2', 'No events yet');
  await tab.close();
});

test('connected SDKs are listed, and their stream can be cut', async () => {
  const tab = await Tab.open(browser, server, '#/default/sdks');
  await tab.shows('#view-sdks h2', 'Connected SDKs');
  const stream = await server.openStream('TestClient/2.0.0');
  await tab.shows('#view-sdks tbody', 'TestClient/2.0.0');
  const again = new Promise((resolve) => { stream.once('data', resolve); });
  await tab.click('Send everything again');
  await tab.announces('Everything was sent again on 1 stream');
  await again;
  const ended = new Promise((resolve) => { stream.once('close', resolve); });
  await tab.click('Cut stream of TestClient/2.0.0');
  await tab.announces('The stream of TestClient/2.0.0 was cut');
  await ended;
  await tab.until(() => document.querySelector('#view-sdks tbody button').disabled);
  await tab.close();
});

test('a source that cannot be read shows a banner, and recovers', async (t) => {
  const own = await Server.start();
  t.after(() => own.stop());
  const tab = await Tab.open(browser, own, '#/default/flags/theme');
  const text = await readFile(own.source, 'utf8');
  await writeFile(own.source, text.slice(0, text.length / 2));
  await tab.shows('.banner.error', 'The source has an error; the last good flags are served.');
  await tab.shows('.tree .outcome', 'theme =');
  await writeFile(own.source, text.replace('"version":8', '"version":20'));
  await tab.hides('.banner');
  await tab.shows('.facts', 'version 20');
  await tab.close();
});

test('a snapshot is refreshed after its differences were shown', async (t) => {
  const own = await Server.start({ args: ['--no-watch'] });
  t.after(() => own.stop());
  const tab = await Tab.open(browser, own, '#/default/flags/theme');
  await tab.shows('.tree .outcome', 'theme =');
  await tab.click('Refresh');
  await tab.shows('dialog', 'Nothing changed in the source.');
  await tab.press('Escape');
  const text = await readFile(own.source, 'utf8');
  await writeFile(own.source, text.replace('"version":8,"on":true', '"version":9,"on":false'));
  await tab.click('Refresh');
  await tab.shows('dialog .diff', 'theme');
  await tab.accessible('refresh dialog');
  assert.equal(await tab.page.$eval('[role=switch]', (node) => node.ariaChecked), 'true');
  await tab.click('Apply', 'dialog');
  await tab.until(() => document.querySelector('[role=switch]').ariaChecked === 'false');
  await tab.close();
});

test('an environment of several is chosen, and the setup names its key or prefix', async (t) => {
  const own = await Server.start({ sources: ['--env', 'shop=flags.json', '--env', 'admin=flags.json'] });
  t.after(() => own.stop());
  await own.api('PUT', '/env/admin/overrides/flags/theme', { on: false });
  const tab = await Tab.open(browser, own, '#/shop/flags/theme');
  await tab.until(() => document.querySelector('[role=switch]')?.ariaChecked === 'true');
  await tab.hides('#overrides');
  await tab.select('select[aria-label=Environment]', 'admin');
  await tab.shows('#overrides', '1 override');
  await tab.press('g', 's');
  await tab.shows('#view-sdks .snippet', `${own.address}/env/admin`);
  await tab.page.reload();
  await tab.live();
  await tab.shows('#view-sdks .snippet', `${own.address}/env/admin`);
  await tab.close();
});

test('a finding leads to its place in the definition', async () => {
  const tab = await Tab.open(browser, server, '#/default/check');
  await tab.click('legacy-search', '#view-check');
  await tab.shows('.detail h2', 'legacy-search');
  await tab.until(() => document.querySelector('.part-definition pre') !== null);
  await tab.shows('.part-findings', 'off variation');
  await tab.click('/variations/1', '.part-findings');
  await tab.shows('.part-definition mark', '"new"');
  await tab.close();
});

test('a lost server shows a banner, and the page recovers', async (t) => {
  const own = await Server.start();
  t.after(() => own.stop());
  const tab = await Tab.open(browser, own, '#/default/flags/theme');
  await tab.shows('.tree .outcome', 'theme =');
  await own.api('PUT', '/env/default/overrides/flags/theme', { on: false });
  await tab.until(() => document.querySelector('[role=switch]').ariaChecked === 'false');
  await own.kill();
  await tab.shows('.banner.error', 'Connection lost, trying again.');
  await tab.shows('#rows', 'account-');
  assert.equal(await tab.page.$eval('.part-state', (node) => node.inert), true);
  await tab.accessible('lost server');
  await own.run();
  await tab.hides('.banner');
  await tab.live();
  await tab.until(() => document.querySelector('[role=switch]').ariaChecked === 'true');
  assert.equal(await tab.page.$eval('.part-state', (node) => node.inert), false);
  await tab.close({ failures: true });
});

test('a hidden tab ends its stream after half a minute, and begins it again', async () => {
  const tab = await Tab.open(browser, server, '#/default/flags/theme');
  const session = await tab.page.createCDPSession();
  await session.send('Network.enable');
  const streams = new Set();
  session.on('Network.requestWillBeSent', ({ requestId, request }) => { if (request.url.endsWith('/changes')) streams.add(requestId); });
  const failed = new Promise((resolve) => { session.on('Network.loadingFailed', ({ requestId }) => { if (streams.has(requestId)) resolve(); }); });
  await tab.page.reload();
  await tab.live();
  const other = await tab.context.newPage();
  await tab.until(() => document.visibilityState === 'hidden');
  await failed;
  await tab.until(() => document.querySelector('.live.paused') !== null);
  await server.api('PUT', '/env/default/overrides/flags/theme', { on: false });
  await other.close();
  await tab.page.bringToFront();
  await tab.live();
  await tab.until(() => document.querySelector('[role=switch]').ariaChecked === 'false');
  assert.equal(streams.size, 2);
  await tab.close();
});
