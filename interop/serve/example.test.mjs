// The example `examples/flag-server`: its services and its page have the same flags.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createInterface } from "node:readline";

import { closeBrowser, openTab } from "./driver/browser.mjs";
import { start } from "./driver/processes.mjs";
import { Server, required } from "./driver/server.mjs";

const file = (path) => new URL(`flag-server/${path}`, import.meta.url).pathname;

let server;
const running = [];

before(async () => {
  server = await Server.start([file("flags.yaml")]);
});

after(async () => {
  for (const child of running) child.kill("SIGKILL");
  await closeBrowser();
  await server.kill();
});

test("the services and the page of the example have the same flags", { timeout: 60_000 }, async () => {
  const rust = run(required("VEXIL_SERVE_EXAMPLE"), [server.url]);
  const node = run("node", [file("node/service.mjs"), server.url, "0"]);
  const greeting = "greeting Welcome back!, search-timeout-ms 200";
  assert.equal(await rust(), `Rust: theme light, ${greeting}`);
  assert.equal(await node(), `Node: theme light, ${greeting}`);
  const [, page] = /the page is at (\S+)/.exec(await node());
  const tab = process.env.VEXIL_SERVE_CHROMIUM && (await openTab(page));
  const shown = (theme) =>
    tab?.waitForFunction((text) => document.body.innerText === text, {}, `Welcome back!\n\nThe theme is ${theme}.`);
  await shown("light");

  await server.api("PUT", "overrides/flags/theme", { variation: 1 });
  assert.equal(await rust(), `Rust: theme dark, ${greeting}`);
  assert.equal(await node(), `Node: theme dark, ${greeting}`);
  await shown("dark");

  await server.api("DELETE", "overrides/flags/theme");
  assert.equal(await rust(), `Rust: theme light, ${greeting}`);
  assert.equal(await node(), `Node: theme light, ${greeting}`);
  await shown("light");
});

// Starts a program, and returns a function that returns its next line.
function run(program, given) {
  const child = start(program, given);
  running.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => (await lines.next()).value;
}
