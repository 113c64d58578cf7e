// The SDKs of the field at one flag server, all at once. The tests run in this order: each evaluation is
// counted before other tests evaluate the flags.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { closeBrowser } from "./driver/browser.mjs";
import { CONTEXTS, FLAGS, OTHER_FLAGS } from "./driver/data.mjs";
import { Field, until } from "./driver/field.mjs";
import { POLLING, SDKS } from "./driver/sdks.mjs";
import { Server, evaluate } from "./driver/server.mjs";
import { Times } from "./driver/times.mjs";

const CONTEXT = CONTEXTS.anonymous;
// A copy, which a test edits.
const FILE = join(mkdtempSync(join(tmpdir(), "vexil-serve-")), "flags.yaml");

let server;
let field;

before(async () => {
  writeFileSync(FILE, readFileSync(FLAGS));
  server = await Server.start([FILE]);
  field = await Field.start(server, CONTEXT);
});

after(async () => {
  await field?.close();
  await closeBrowser();
  await server?.kill();
});

test("the server knows each SDK by its version", async () => {
  const { sdks } = await server.api("GET", "sdks");
  for (const { name, agent } of SDKS) {
    assert.ok(sdks.some((sdk) => sdk.agent.startsWith(agent)), `${name}: ${agent}`);
  }
  const agents = new Set(sdks.map((sdk) => sdk.agent));
  console.log(`${SDKS.length} clients: ${[...agents].sort().join(", ")}`);
});

test("ten evaluations are seen as a count of ten", async () => {
  await field.assertCounted(server, "counted", [1, 17, "two"]);
});

test("events of each kind are seen", async () => {
  for (const peer of field.peers) {
    await peer.ask({ do: "track", event: `event of ${peer.name}` });
    await peer.ask({ do: "identify", context: { kind: "user", key: peer.name } });
    await peer.ask({ do: "flush" });
  }
  await until("some events", async () => {
    const { events } = await server.api("GET", "events?limit=10000");
    return field.peers.flatMap((peer) => missing(peer, events));
  });
});

// The kinds of events that were not seen of a peer.
function missing({ name, agent, client }, events) {
  const ofAgent = events.filter(({ sdk }) => sdk.startsWith(agent)).map(({ event }) => event);
  const clients = SDKS.filter((sdk) => sdk.agent === agent).length;
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
    await field.assertFlags(evaluate(FLAGS, context), name, context);
  }
});

test("each SDK that polls has the values, variations and reasons of the command", async () => {
  const polling = await Field.start(server, CONTEXT, { sdks: POLLING });
  await polling.assertFlags(evaluate(FLAGS, CONTEXT), "anonymous", CONTEXT);
  await polling.close();
});

test("an override arrives in each SDK, and is removed", async () => {
  await field.askAll({ do: "identify", context: CONTEXT });
  const { theme } = evaluate(FLAGS, CONTEXT).server;
  assert.notEqual(theme.value, "dark");
  const times = new Times();
  for (let round = 0; round < 20; round++) {
    await field.measure(times, "set", "theme", "dark", () =>
      server.api("PUT", "overrides/flags/theme", { variation: 1 }),
    );
    await field.measure(times, "removed", "theme", theme.value, () =>
      server.api("DELETE", "overrides/flags/theme"),
    );
  }
  times.print();
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
  const base = await server.evaluate(CONTEXT);
  for (const [path, form, value, flag = path.split("/")[1]] of forms) {
    await field.askAll({ do: "identify", context: CONTEXT });
    await server.api("PUT", `overrides/${path}`, form);
    await field.askAll({ do: "await", flag, value });
    for (const name of ["anonymous", "user", "multi"]) {
      await field.assertFlags(await server.evaluate(CONTEXTS[name]), name, CONTEXTS[name]);
    }
    await field.askAll({ do: "identify", context: CONTEXT });
    await server.api("DELETE", `overrides/${path}`);
    await field.askAll({ do: "await", flag, value: base.server[flag]?.value ?? null });
  }
  await field.assertFlags(base, "anonymous", CONTEXT);
});

test("an edit of the file arrives in each SDK", async () => {
  const edited = readFileSync(FLAGS, "utf8").replace(
    "fallthrough: { variation: 1 }\n    salt: s16",
    "fallthrough: { variation: 0 }\n    salt: s16",
  );
  writeFileSync(FILE, edited);
  await field.askAll({ do: "await", flag: "counted", value: "one" });
  await field.assertFlags(evaluate(FILE, CONTEXT), "anonymous", CONTEXT);
});

test("each SDK continues when its stream was cut", async () => {
  const { sdks } = await server.api("GET", "sdks");
  for (const { id } of sdks) await server.api("POST", `sdks/${id}/cut`, {});
  const times = new Times();
  await field.measure(times, "cut", "theme", "light", () =>
    server.api("PUT", "overrides/flags/theme", { variation: 0 }),
  );
  times.print();
  assert.ok(times.max() <= 10_000, `the change took ${times.max()} ms`);
});

test("each SDK has the data of a server that was started again", async () => {
  const { theme } = evaluate(OTHER_FLAGS, CONTEXT).server;
  assert.equal(theme.value, "dark");
  const times = new Times();
  await field.measure(times, "restart", "theme", theme.value, async () => {
    await server.kill();
    server = await Server.start([OTHER_FLAGS], { port: server.port });
  });
  times.print();
  assert.ok(times.max() <= 10_000, `the new data took ${times.max()} ms`);
  await field.assertFlags(evaluate(OTHER_FLAGS, CONTEXT), "anonymous", CONTEXT);
});
