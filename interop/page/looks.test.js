// Accessibility, narrow windows, and the pictures of the guide.

import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { Tab, launch } from './browser.js';
import { Server } from './server.js';

const { PICTURES } = process.env;
const PICTURE_LIMIT = 150 * 1024;

let browser;
let server;
before(async () => {
  browser = await launch('--force-device-scale-factor=1', '--hide-scrollbars');
  server = await Server.start();
  await server.api('PUT', '/env/default/overrides/flags/new-checkout', { variation: 0 });
  await server.api('PUT', '/env/default/overrides/flags/legacy-search', { on: true });
  await server.api('PUT', '/env/default/overrides/flags/account-cache', { value: 'new' });
  await server.api('PUT', '/env/default/overrides/flags/account-layout', { on: true });
  const ada = { kind: 'user', key: 'ada', plan: 'gold' };
  await server.sendEvents([
    { kind: 'index', creationDate: Date.now(), context: ada },
    { kind: 'feature', creationDate: Date.now(), key: 'theme', value: 'dark', variation: 1, version: 8, context: { kind: 'user', key: 'bob' } },
    { kind: 'custom', creationDate: Date.now(), key: 'purchase', metricValue: 49.5, context: ada },
    {
      kind: 'summary', startDate: Date.now() - 5000, endDate: Date.now(),
      features: {
        theme: { default: 'light', contextKinds: ['user'], counters: [{ variation: 0, version: 8, value: 'light', count: 12 }, { variation: 1, version: 8, value: 'dark', count: 4 }] },
        'new-checkout': { default: false, contextKinds: ['user'], counters: [{ variation: 0, version: 8, value: true, count: 16 }] },
      },
    },
  ], 'NodeJSClient/9.13.7');
  await server.openStream('NodeJSClient/9.13.7');
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const context = { context: { kind: 'user', key: 'ada', plan: 'gold' }, fromSdk: false };

/** Brings the page into each of its states. */
const STATES = {
  flags: { hash: '', ready: (tab) => tab.counts('212 flags') },
  'no match': { hash: '#/default/flags?q=nothing%20of%20this', ready: (tab) => tab.shows('.empty h2', 'No flag matches') },
  segments: { hash: '#/default/segments', ready: (tab) => tab.shows('#rows', 'staff') },
  flag: { hash: '#/default/flags/checkout-express', ready: (tab) => tab.shows('.tree', 'prerequisite') },
  'flag with a variation': { hash: '#/default/flags/new-checkout', ready: (tab) => tab.shows('.tree', 'new-checkout = true') },
  'overridden flag': { hash: '#/default/flags/legacy-search', ready: (tab) => tab.shows('.part-findings', 'off variation') },
  segment: { hash: '#/default/segments/staff', ready: (tab) => tab.shows('.links', 'theme') },
  'for some contexts': {
    hash: '#/default/flags/theme',
    ready: async (tab) => {
      await tab.choose('For some contexts');
      await tab.click('Add', '.extra');
      await tab.shows('.people', 'ada');
    },
  },
  'unknown flag': { hash: '#/default/flags/unknown', failures: true, ready: (tab) => tab.shows('.part-problem', 'no such') },
  events: {
    hash: '#/default/events',
    ready: async (tab) => {
      await tab.shows('.events', 'purchase');
      await tab.tap('.events .what');
      await tab.shows('.details', 'counters');
    },
  },
  counts: {
    hash: '#/default/events',
    ready: async (tab) => {
      await tab.click('Counts');
      await tab.shows('.events', '"dark"');
    },
  },
  sdks: { hash: '#/default/sdks', ready: (tab) => tab.shows('#view-sdks', 'NodeJSClient') },
  check: { hash: '#/default/check', ready: (tab) => tab.shows('#view-check tbody', 'legacy-search') },
  'context dialog': {
    hash: '',
    ready: async (tab) => {
      await tab.press('c');
      await tab.shows('.picks', 'user "ada"');
      await tab.tap('.as-form summary');
      await tab.press('Tab');
      await tab.fill('Context as JSON', '{"kind": "user", "key": }');
      await tab.shows('.fault', 'Line 1');
    },
  },
  'keyboard dialog': {
    hash: '',
    ready: async (tab) => {
      await tab.press('?');
      await tab.shows('dialog', 'explain');
    },
  },
  'overrides dialog': {
    hash: '',
    ready: async (tab) => {
      await tab.click('4 overrides');
      await tab.shows('dialog', 'switched on');
    },
  },
  'remove dialog': {
    hash: '',
    ready: async (tab) => {
      await tab.click('Remove all');
      await tab.shows('dialog', '4 overrides will be removed');
    },
  },
};

for (const scheme of ['light', 'dark']) {
  test(`no accessibility rule is violated, ${scheme}`, async () => {
    for (const [name, { hash, ready, failures = false }] of Object.entries(STATES)) {
      const tab = await Tab.open(browser, server, hash, { scheme, storage: { context } });
      await ready(tab);
      await tab.accessible(`${name}, ${scheme}`);
      await tab.close({ failures });
    }
  });
}

test('the colours can be chosen, whatever the system prefers', async () => {
  const tab = await Tab.open(browser, server, '', { scheme: 'light' });
  const isDark = () => tab.page.evaluate(() => getComputedStyle(document.documentElement).colorScheme === 'dark');
  assert.equal(await isDark(), false);
  await tab.click('Colours: Auto');
  await tab.click('Colours: Light');
  assert.equal(await isDark(), true);
  await tab.page.reload();
  await tab.live();
  assert.equal(await isDark(), true);
  await tab.close();
});

test('a narrow window scrolls sideways only in tables', async () => {
  for (const [name, { hash, ready, failures = false }] of Object.entries(STATES)) {
    const tab = await Tab.open(browser, server, hash, { width: 360, height: 740, storage: { context } });
    await ready(tab);
    await tab.fits(name);
    await tab.close({ failures });
  }
});

async function picture(tab, name) {
  if (!PICTURES) return;
  const file = path.join(PICTURES, `${name}.png`);
  await tab.hides('#notice');
  await tab.page.screenshot({ path: file, optimizeForSpeed: false });
  const { size } = await stat(file);
  assert.ok(size < PICTURE_LIMIT, `${name}: ${size} bytes`);
}

test('pictures for the guide', async () => {
  const desktop = { width: 1280, height: 800, storage: { context } };
  const phone = { width: 390, height: 844, storage: { context } };
  const shots = [
    ['page-flags-light', 'flags', { ...desktop, scheme: 'light' }],
    ['page-flag-light', 'flag with a variation', { ...desktop, scheme: 'light' }],
    ['page-flag-dark', 'flag', { ...desktop, scheme: 'dark' }],
    ['page-events-dark', 'events', { ...desktop, scheme: 'dark' }],
    ['page-phone-list-light', 'flags', { ...phone, scheme: 'light' }],
    ['page-phone-flag-dark', 'flag', { ...phone, scheme: 'dark' }],
  ];
  for (const [name, state, options] of shots) {
    const tab = await Tab.open(browser, server, STATES[state].hash, options);
    await STATES[state].ready(tab);
    await picture(tab, name);
    await tab.close();
  }
});
