// The SDKs of the field at one flag server, all at once. The tests run in this order: each event is
// counted before other tests evaluate the flags.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { closeBrowser } from "./driver/browser.mjs";
import { startPeers } from "./driver/peers.mjs";
import { SDKS } from "./driver/sdks.mjs";
import { Server, evaluate, required } from "./driver/server.mjs";
import { Times } from "./driver/times.mjs";

const FLAGS = new URL("flags.yaml", import.meta.url).pathname;
// The data after a restart, with other values, lower versions and fewer flags.
const OTHER_FLAGS = required("VEXIL_SERVE_OTHER_FLAGS");
const CONTEXTS = JSON.parse(readFileSync(new URL("contexts.json", import.meta.url)));
const CONTEXT = CONTEXTS.anonymous;

let server;
let peers = [];

before(async () => {
  server = await Server.start(FLAGS);
  peers = await startPeers(SDKS, server.url, CONTEXT);
});

after(async () => {
  await Promise.all(peers.map((peer) => peer.close()));
  await closeBrowser();
  await server?.kill();
});

test("the server knows each SDK by its version", async () => {
  const { sdks } = await server.api("GET", "sdks");
  for (const { name, agent } of SDKS) {
    assert.ok(sdks.some((sdk) => sdk.agent.startsWith(agent)), `${name}: ${agent}`);
  }
  console.log(`${peers.length} clients: ${[...new Set(sdks.map((sdk) => sdk.agent))].sort().join(", ")}`);
});

test("ten evaluations are seen as a count of ten", async () => {
  const counted = async ({ agent }) => {
    const { rows } = await server.api("GET", "events/counts");
    const found = rows.filter((row) => row.flag === "counted" && row.sdk.startsWith(agent));
    for (const row of found) assert.deepEqual([row.variation, row.version, row.value], [1, 17, "two"]);
    return found.reduce((sum, row) => sum + row.count, 0);
  };
  for (const peer of peers) {
    const expected = (await counted(peer)) + 10;
    await peer.ask({ do: "evaluate", flag: "counted", times: 10 });
    await peer.ask({ do: "flush" });
    await until(`ten evaluations of ${peer.name}`, async () => {
      const found = await counted(peer);
      assert.ok(found <= expected, `${peer.name}: ${found - expected} evaluations too many`);
      return found < expected ? [found - expected] : [];
    });
  }
});

test("events of each kind are seen", async () => {
  for (const peer of peers) {
    await peer.ask({ do: "track", event: `event of ${peer.name}` });
    await peer.ask({ do: "identify", context: { kind: "user", key: peer.name } });
    await peer.ask({ do: "flush" });
  }
  await until("some events", async () => {
    const { events } = await server.api("GET", "events?limit=10000");
    return peers.flatMap((peer) => missing(peer, events));
  });
});

// The kinds of events that were not seen of a peer.
function missing({ name, agent, client }, events) {
  const ofAgent = events.filter(({ sdk }) => sdk.startsWith(agent)).map(({ event }) => event);
  const clients = peers.filter((peer) => peer.agent === agent).length;
  const diagnostics = ofAgent.filter(({ kind }) => kind.startsWith("diagnostic"));
  const seen = {
    custom: ofAgent.some(({ kind, key }) => kind === "custom" && key === `event of ${name}`),
    identify: ofAgent.some(({ kind, context }) => kind === "identify" && context.key === name),
    index: client || ofAgent.some(({ kind, context }) => kind === "index" && context.key === CONTEXT.key),
    summary: ofAgent.some(({ kind, features }) => kind === "summary" && "counted" in features),
    diagnostic: new Set(diagnostics.map(({ id }) => id.diagnosticId)).size >= clients,
  };
  return Object.keys(seen).filter((kind) => !seen[kind]).map((kind) => `${kind} of ${name}`);
}

test("each SDK has the values, variations and reasons of the command", async () => {
  for (const [name, context] of Object.entries(CONTEXTS)) {
    await assertSame(FLAGS, name, context);
  }
});

test("an override arrives in each SDK, and is removed", async () => {
  await everywhere({ do: "identify", context: CONTEXT });
  const { theme } = evaluate(FLAGS, CONTEXT);
  const overridden = theme.variation === 1 ? 0 : 1;
  const value = ["light", "dark"][overridden];
  const times = new Times();
  for (let round = 0; round < 20; round++) {
    await arrives(times, "set", "theme", value, () =>
      server.api("PUT", "overrides/flags/theme", { variation: overridden }),
    );
    await arrives(times, "removed", "theme", theme.value, () =>
      server.api("DELETE", "overrides/flags/theme"),
    );
  }
  console.log(times.table());
  assert.ok(times.max() <= 1000, `an override took ${times.max()} ms`);
});

test("each SDK has what each form of override makes of the flags", async () => {
  const { kind, key } = CONTEXT;
  const forms = [
    ["flags/theme", { on: false }, "light"],
    ["flags/theme", { value: "blue" }, "blue"],
    ["flags/theme", { value: "dark" }, "dark"],
    ["flags/theme", { for: [{ kind, key, variation: 1 }] }, "dark"],
    ["flags/switched-off", { for: [{ kind, key, variation: 1 }] }, 1.5],
    ["flags/org-rollout", { for: [{ kind: "org", key: "globex", value: "c" }, { kind, key, variation: 1 }] }, "b"],
    ["flags/checkout-express", { missing: true }, null],
    ["flags/unknown-so-far", { value: 30 }, 30],
    ["segments/staff", { include: [key] }, "inside", "minimal"],
    ["segments/staff", { missing: true }, "outside", "minimal"],
  ];
  const base = await evaluatedByServer(CONTEXT);
  for (const [path, form, value, flag = path.split("/")[1]] of forms) {
    await everywhere({ do: "identify", context: CONTEXT });
    await server.api("PUT", `overrides/${path}`, form);
    await everywhere({ do: "await", flag, value });
    for (const name of ["anonymous", "user", "multi"]) {
      const expected = await evaluatedByServer(CONTEXTS[name]);
      await assertAll(expected, name, CONTEXTS[name]);
    }
    await everywhere({ do: "identify", context: CONTEXT });
    await server.api("DELETE", `overrides/${path}`);
    await everywhere({ do: "await", flag, value: base.server[flag]?.value ?? null });
  }
  await assertAll(base, "anonymous", CONTEXT);
});

test("each SDK has the data of a server that was started again", async () => {
  const { theme } = evaluate(OTHER_FLAGS, CONTEXT);
  assert.notEqual(theme.value, evaluate(FLAGS, CONTEXT).theme.value);
  const times = new Times();
  await arrives(times, "restart", "theme", theme.value, async () => {
    await server.kill();
    server = await Server.start(OTHER_FLAGS, { port: server.port });
  });
  console.log(times.table());
  assert.ok(times.max() <= 10_000, `the new data took ${times.max()} ms`);
  await assertSame(OTHER_FLAGS, "anonymous", CONTEXT);
});

// Asserts that each peer has exactly the flags of a file, as `vexil eval` evaluates them.
async function assertSame(source, name, context) {
  const expected = { server: evaluate(source, context), client: evaluate(source, context, "js") };
  await assertAll(expected, name, context);
}

async function assertAll(expected, name, context) {
  for (const peer of peers) {
    const found = await peer.ask({ do: "values", context });
    assert.deepEqual(found, comparable(expected[peer.client ? "client" : "server"]), `${peer.name}, ${name}`);
  }
}

async function evaluatedByServer(context) {
  const evaluated = async (clients) =>
    (await server.api("POST", "evaluate", { context, class: clients })).flags;
  return { server: await evaluated("server"), client: await evaluated("js") };
}

function comparable(flags) {
  const entries = Object.entries(flags).map(([key, { value, variation = null, reason }]) => [
    key,
    { value, variation, reason },
  ]);
  return Object.fromEntries(entries);
}

// Measures how long a change takes to each peer.
async function arrives(times, what, flag, value, change) {
  let start;
  const seen = peers.map(async (peer) => {
    await peer.ask({ do: "await", flag, value });
    times.add(peer.name, what, performance.now() - start);
  });
  start = performance.now();
  await Promise.all([change(), ...seen]);
}

function everywhere(command) {
  return Promise.all(peers.map((peer) => peer.ask(command)));
}

// Waits until nothing is missing.
async function until(what, missing) {
  let found;
  for (const start = performance.now(); performance.now() - start < 20_000; await sleep(20)) {
    found = await missing();
    if (found.length === 0) return;
  }
  assert.fail(`${what} are missing: ${found.join(", ")}`);
}
