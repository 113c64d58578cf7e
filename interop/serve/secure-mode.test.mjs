// Secure mode: a page needs a hash of its context, which only servers with the SDK key can make.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { closeBrowser, openPage } from "./driver/browser.mjs";
import { CONTEXTS, FLAGS } from "./driver/data.mjs";
import { Server } from "./driver/server.mjs";

const CONTEXT = CONTEXTS["characters of URLs"];
const KEY = "sdk-of-the-shop";
const SETTINGS = `
  [serve.env.default]
  sdk-key-env = "VEXIL_SERVE_SDK_KEY"
  environment-id = "default"
`;
const skip = !process.env.VEXIL_SERVE_CHROMIUM && "Chromium is not installed";

let server;

before(async () => {
  const settings = join(mkdtempSync(join(tmpdir(), "vexil-serve-")), "vexil.toml");
  writeFileSync(settings, SETTINGS);
  process.env.VEXIL_SERVE_SDK_KEY = KEY;
  server = await Server.start([FLAGS, "--secure-mode", "--config", settings]);
});

after(async () => {
  await closeBrowser();
  await server.kill();
});

test("a page receives flags only with the hash of its context", { skip }, async () => {
  const hash = (key) => createHmac("sha256", KEY).update(key).digest("hex");
  const open = (page, hash) => openPage(page, { url: server.url, context: CONTEXT, hash });
  for (const page of ["version-3", "version-4"]) {
    await assert.rejects(open(page, undefined), page);
    await assert.rejects(open(page, hash("another")), page);
    const peer = await open(page, hash(CONTEXT.key));
    await server.api("PUT", "overrides/flags/theme", { value: `streamed to ${page}` });
    await peer.send({ do: "await", flag: "theme", value: `streamed to ${page}` });
  }
});
