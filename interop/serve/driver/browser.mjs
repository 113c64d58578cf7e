// Pages in headless Chromium, each with an SDK. They come from another server, on `localhost`,
// so that all requests of the SDKs are to another origin.
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import puppeteer from "puppeteer-core";

const entry = (page) => fileURLToPath(new URL(`../peers/browser/${page}.mjs`, import.meta.url));

let started;

// The browser and the server of the pages, which start with the first page.
function open() {
  return (started ??= start());
}

async function start() {
  const built = await build({
    entryPoints: [entry("version-3"), entry("version-4")],
    bundle: true,
    format: "iife",
    outdir: "/",
    write: false,
  });
  const scripts = new Map(built.outputFiles.map(({ path, contents }) => [path, contents]));
  const server = createServer((request, response) => {
    const script = scripts.get(request.url);
    response.setHeader("Content-Type", script ? "text/javascript" : "text/html");
    response.end(script ?? `<!doctype html><script src="${request.url}.js"></script>`);
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
