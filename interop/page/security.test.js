// What other pages can read, and the token.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';

import { Tab, launch } from './browser.js';
import { Server } from './server.js';

let browser;
let server;
before(async () => {
  browser = await launch('--host-resolver-rules=MAP evil.test 127.0.0.1');
  server = await Server.start();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A web site on a free port of this machine. */
async function site() {
  const pages = http.createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' });
    response.end('<!doctype html><title>a site</title>');
  });
  await new Promise((resolve) => { pages.listen(0, '127.0.0.1', resolve); });
  return pages;
}

/** What a page can read of each address: the text, or "refused". */
function reads(page, addresses, method = 'GET') {
  return page.evaluate((list, verb) => Promise.all(list.map(async (address) => {
    try {
      const response = await fetch(address, { method: verb, body: verb === 'GET' ? undefined : '{}' });
      return response.type === 'opaque' ? 'refused' : `${response.status}`;
    } catch {
      return 'refused';
    }
  })), addresses, method);
}

const PLACES = ['/vexil/api/state', '/', '/sdk/latest-all', '/sdk/evalx/default/contexts/eyJraW5kIjoidXNlciIsImtleSI6ImFkYSJ9', '/status'];

test('other sites read nothing, and change nothing', async (t) => {
  const pages = await site();
  t.after(() => pages.close());
  const page = await browser.newPage();
  await page.goto(`http://evil.test:${pages.address().port}/`);
  const addresses = PLACES.map((place) => `${server.address}${place}`);
  assert.deepEqual(await reads(page, addresses), PLACES.map(() => 'refused'));
  const { revision } = (await server.api('GET', '/state')).environments[0];
  await reads(page, [`${server.address}/vexil/api/env/default/resend`, `${server.address}/vexil/api/env/default/overrides/flags/theme`], 'POST');
  assert.equal((await server.api('GET', '/state')).environments[0].revision, revision);
  await page.close();
});

test('a name that resolves to this machine is refused', async () => {
  const page = await browser.newPage();
  for (const place of PLACES) {
    const response = await page.goto(`http://evil.test:${server.port}${place}`);
    assert.equal(response.status(), 421, place);
    assert.match(await response.text(), /--allow-host/);
  }
  // A script of such a page has the same origin as the server, and receives no more.
  const states = await reads(page, PLACES);
  assert.deepEqual(states, PLACES.map(() => '421'));
  await page.close();
});

test('a local site receives the flags of its SDK, and not the page', async (t) => {
  const pages = await site();
  t.after(() => pages.close());
  const page = await browser.newPage();
  await page.goto(`http://localhost:${pages.address().port}/`);
  const [state, , whole, client] = await reads(page, PLACES.map((place) => `${server.address}${place}`));
  assert.deepEqual([state, whole, client], ['refused', 'refused', '200']);
  await page.close();
});

test('the page works by each name of this machine', async () => {
  for (const host of ['localhost', 'flags.localhost', '[::1]']) {
    const named = { address: `http://${host}:${server.port}` };
    const tab = await Tab.open(browser, named, '#/default/flags/theme');
    await tab.until(() => document.querySelector('[role=switch]')?.ariaChecked === 'true');
    await tab.press('t');
    await tab.announces('theme is off for all contexts');
    await tab.press('t');
    await tab.announces('theme is served as defined');
    await tab.close();
  }
});

test('the page asks for the token, and takes it from its address', async (t) => {
  const own = await Server.start({ args: ['--token-env', 'PAGE_TOKEN'], env: { PAGE_TOKEN: 'a-token-for-tests' } });
  t.after(() => own.stop());
  const context = await browser.createBrowserContext();
  const tab = Object.assign(new Tab(), { context, server: own, page: await context.newPage(), logged: [], requested: [] });
  await tab.page.goto(`${own.address}/`);
  await tab.shows('dialog h2', 'Token');
  await tab.accessible('token dialog');
  await tab.type('wrong');
  await tab.press('Enter');
  await tab.shows('dialog', 'The server did not accept the token.');
  await tab.type('a-token-for-tests');
  await tab.press('Enter');
  await tab.hides('dialog');
  await tab.live();
  await tab.counts('212 flags');
  await tab.close();

  const other = await Tab.open(browser, own, '#token=a-token-for-tests');
  await other.counts('212 flags');
  assert.doesNotMatch(other.page.url(), /token/);
  await other.page.reload();
  await other.live();
  await other.close();
});
