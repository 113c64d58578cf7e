// All SDKs at one server.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { startPeers } from "./peers.mjs";
import { SDKS } from "./sdks.mjs";

export class Field {

  // Starts a peer with each SDK. `path` is the prefix of an environment.
  static async start(server, context, { path = "", sdks = SDKS } = {}) {
    const field = new Field();
    field.peers = await startPeers(sdks, server.url + path, context);
    return field;
  }

  close() {
    return Promise.all(this.peers.map((peer) => peer.close()));
  }

  askAll(command) {
    return Promise.all(this.peers.map((peer) => peer.ask(command)));
  }

  // Asserts that each peer has exactly these flags, with value, variation and reason. `expected` has
  // the flags for server-side and for client-side SDKs.
  async assertFlags(expected, name, context) {
    for (const peer of this.peers) {
      const found = await peer.ask({ do: "values", context });
      const flags = peer.client ? expected.client : expected.server;
      assert.deepEqual(found, comparable(flags), `${peer.name}, ${name}`);
    }
  }

  // Measures how long a change takes to each peer.
  async measure(times, what, flag, value, change) {
    let start;
    const seen = this.peers.map(async (peer) => {
      await peer.ask({ do: "await", flag, value });
      times.add(peer.name, what, performance.now() - start);
    });
    start = performance.now();
    await Promise.all([change(), ...seen]);
  }

  // Evaluates a flag ten times with each peer, and waits until the server has counted them.
  async assertCounted(server, flag, wanted, environment) {
    const counted = async ({ agent }) => {
      const { rows } = await server.api("GET", "events/counts", undefined, environment);
      const found = rows.filter((row) => row.flag === flag && row.sdk.startsWith(agent));
      for (const row of found) assert.deepEqual([row.variation, row.version, row.value], wanted);
      return found.reduce((sum, row) => sum + row.count, 0);
    };
    for (const peer of this.peers) {
      const expected = (await counted(peer)) + 10;
      await peer.ask({ do: "evaluate", flag, times: 10 });
      await peer.ask({ do: "flush" });
      await until(`ten evaluations of ${peer.name}`, async () => {
        const found = await counted(peer);
        assert.ok(found <= expected, `${peer.name}: ${found - expected} evaluations too many`);
        return found < expected ? [expected - found] : [];
      });
    }
  }
}

// Waits until nothing is missing.
export async function until(what, missing) {
  let found;
  for (const start = performance.now(); performance.now() - start < 20_000; await sleep(20)) {
    found = await missing();
    if (found.length === 0) return;
  }
  assert.fail(`${what} are missing: ${found.join(", ")}`);
}

function comparable(flags) {
  const entries = Object.entries(flags).map(([key, { value, variation = null, reason }]) => [
    key,
    { value, variation, reason },
  ]);
  return Object.fromEntries(entries);
}
