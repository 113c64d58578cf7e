// The limit of browsers: six connections to a host. The seventh tab with a stream waits, unless it
// uses another name of the same server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { closeBrowser, newProfile, openPage } from "./driver/browser.mjs";
import { CONTEXTS, FLAGS } from "./driver/data.mjs";
import { Server } from "./driver/server.mjs";

const skip = !process.env.VEXIL_SERVE_CHROMIUM && "Chromium is not installed";

let server;

before(async () => {
  server = await Server.start([FLAGS]);
});

after(async () => {
  await closeBrowser();
  await server.kill();
});

test("the seventh tab with a stream needs another name of the server", { skip }, async () => {
  const profile = await newProfile();
  const open = (url) => openPage("version-3", { url, context: CONTEXTS.user, report: false }, profile);
  const tabs = [];
  while (tabs.length < 6) tabs.push(await open(server.url));
  await streams(6);

  const seventh = open(server.url);
  const late = sleep(2000, "not ready");
  assert.equal(await Promise.race([seventh.then(() => "ready"), late]), "not ready");
  await open(server.url.replace("127.0.0.1", "localhost"));
  await streams(7);

  await tabs[0].close();
  await seventh;
});

async function streams(wanted) {
  for (const start = performance.now(); performance.now() - start < 20_000; await sleep(20)) {
    const { sdks } = await server.api("GET", "sdks");
    if (sdks.reduce((sum, sdk) => sum + sdk.streams, 0) === wanted) return;
  }
  assert.fail(`there are not ${wanted} streams`);
}
