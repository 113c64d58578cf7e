// Pages in headless Chromium, each with an SDK. They come from another server, on `localhost`,
// so that all requests of the SDKs are to another origin.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import puppeteer from "puppeteer-core";

// The scripts of the pages, by path. The SDKs are modules that import no others.
const SCRIPTS = {
  "/browser/version-3.mjs": "../peers/browser/version-3.mjs",
  "/browser/version-4.mjs": "../peers/browser/version-4.mjs",
  "/client-side.mjs": "../peers/client-side.mjs",
  "/sdk-3.mjs": "../node_modules/launchdarkly-js-client-sdk/dist/ldclient.es.js",
  "/sdk-4.mjs": "../node_modules/@launchdarkly/js-client-sdk/dist/index.js",
};
const IMPORTS = {
  "launchdarkly-js-client-sdk": "/sdk-3.mjs",
  "@launchdarkly/js-client-sdk": "/sdk-4.mjs",
};
const html = (path) => `<!doctype html>
  <script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>
  <script type="module" src="/browser${path}.mjs"></script>`;

let started;

// The browser and the server of the pages, which start with the first page.
function open() {
  return (started ??= start());
}

async function start() {
  const server = createServer(({ url }, response) => {
    const script = SCRIPTS[url];
    response.setHeader("Content-Type", script ? "text/javascript" : "text/html");
    response.end(script ? readFileSync(new URL(script, import.meta.url)) : html(url));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const browser = await puppeteer.launch({
    executablePath: process.env.VEXIL_SERVE_CHROMIUM,
    // A page in the background would run its timers once in a second only.
    args: [
      "--no-sandbox",
      "--disable-background-timer-throttling",
      "--disable-backgrounding-occluded-windows",
      "--disable-renderer-backgrounding",
    ],
  });
  return { server, browser, origin: `http://localhost:${server.address().port}` };
}

// Opens a page with an SDK, and returns functions that send it a command and close it. By default a
// page has a separate profile, and with it separate connections.
export async function openPage(page, options, profile = newProfile()) {
  const { origin } = await open();
  const tab = await (await profile).newPage();
  await tab.goto(`${origin}/${page}`);
  await tab.evaluate((options) => window.start(options), options);
  const send = (command) => tab.evaluate(async (command) => (await window.peer(command)) ?? {}, command);
  const close = () => tab.close();
  return { send, close };
}

// Opens a page of another server.
export async function openTab(url) {
  const tab = await (await newProfile()).newPage();
  await tab.goto(url);
  return tab;
}

export async function newProfile() {
  const { browser } = await open();
  return browser.createBrowserContext();
}

export async function closeBrowser() {
  if (!started) return;
  const { server, browser } = await started;
  await browser.close();
  server.close();
}
