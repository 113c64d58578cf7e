// The page of the application in Chromium. The application starts its own Redis.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import puppeteer from 'puppeteer-core';

import { Application } from './application.js';
import { TIMEOUT, endAll } from './processes.js';
import { ADA, BOB } from './visitors.js';

const FLAGS = '/sdk/evalx/shop/contexts/';

after(endAll);

test('the page has the values of the server, and receives others only with the hash of its context', { timeout: 180_000 }, async (t) => {
  const application = await Application.start();
  await application.untilReady('the flags', ({ ready }) => ready);
  const shop = await (await fetch(`${application.url}/api/shop`, { headers: ADA.headers })).json();
  assert.deepEqual(shop, ADA.flags);
  const { theme, greeting, 'new-checkout': checkout } = shop;
  const visible = { theme, greeting, 'new-checkout': checkout };

  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
    protocolTimeout: 2 * TIMEOUT,
  });
  t.after(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(TIMEOUT);
  const requests = [];
  const problems = [];
  page.on('response', (response) => requests.push([new URL(response.url()), response.status()]));
  page.on('console', (message) => problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  const shows = async (origin) => {
    await page.waitForFunction((text) => document.getElementById('origin').value === text, {}, origin);
    assert.equal(await page.$eval('h1', (title) => title.textContent), greeting);
    assert.deepEqual(JSON.parse(await page.$eval('#flags', (flags) => flags.textContent)), visible);
  };
  const fetchAgain = async (hash) => {
    await page.$eval('form', (form, hash) => {
      form.elements.hash.value = hash ?? form.elements.hash.value;
      document.getElementById('origin').value = '';
      form.requestSubmit();
    }, hash);
  };
  const answers = () => requests.filter(([url]) => url.pathname.startsWith(FLAGS)).map(([, status]) => status);

  await page.setExtraHTTPHeaders(ADA.headers);
  await page.goto(application.url);
  await shows('the page');
  assert.deepEqual(answers(), [], 'no request is needed for the first flags');
  await fetchAgain();
  await shows('the server');
  assert.deepEqual(answers(), [200]);
  assert.deepEqual(problems, []);

  for (const hash of ['', 'wrong', await hashOf(application, BOB)]) {
    await fetchAgain(hash);
    await shows('before: error');
  }
  assert.deepEqual(new Set(answers().slice(1)), new Set([403]));
  const elsewhere = requests.filter(([url]) => url.origin !== application.url);
  assert.deepEqual(elsewhere, []);
  t.diagnostic(`${requests.length} requests of the page, all to the application: ${answers().join(', ')} for flags`);

  const lines = await application.stop();
  assert.equal(lines.at(-1), `${Object.keys(shop).length} evaluations received`);
});

/** The hash in the page of another visitor. */
async function hashOf(application, { headers }) {
  const page = await (await fetch(application.url, { headers })).text();
  return /"hash":"([0-9a-f]{64})"/.exec(page)[1];
}
