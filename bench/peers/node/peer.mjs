// The Node.js SDK beside ours. bench/src/peers/mod.rs describes the argument and the output.
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setImmediate } from "node:timers/promises";

import sdk from "@launchdarkly/node-server-sdk";
import stores from "@launchdarkly/node-server-sdk-redis";

const { url, redis, dataSystem, events, contexts, flags, state, warm, seconds } = JSON.parse(process.argv[2]);
/** A loop that only awaits would keep the event loop from its other work, such as sending events. */
const CALLS_PER_TURN = 1000;

function options() {
  const { hostname: host, port } = new URL(redis || "redis://none:1");
  return {
    baseUri: url,
    streamUri: url,
    eventsUri: url,
    sendEvents: events,
    logger: sdk.basicLogger({ level: "error" }),
    ...(dataSystem && { dataSystem: { dataSource: { dataSourceOptionsType: "standard" } } }),
    ...(redis && { useLdd: true, featureStore: stores.RedisFeatureStore({ redisOpts: { host, port: Number(port) } }) }),
  };
}

/** Doubles the calls until they take as long as the warm-up, and then times as many as fit into the seconds. */
async function measure(run) {
  const clock = async (calls) => {
    const begun = performance.now();
    await run(calls);
    return (performance.now() - begun) / 1000;
  };
  let [calls, made, took] = [1, 1, await clock(1)];
  while (took < warm) {
    calls *= 2;
    made += calls;
    took = await clock(calls);
  }
  calls = Math.max(1, Math.floor((calls * seconds) / took));
  return { calls, made: made + calls, seconds: await clock(calls) };
}

function write(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

// Ends this process after two minutes, even if the benchmark was killed.
setTimeout(() => process.exit(1), 120_000).unref();
const installed = new URL("node_modules/@launchdarkly/node-server-sdk/package.json", import.meta.url);
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

write({ about: `Node.js SDK ${JSON.parse(await readFile(installed)).version}, Node.js ${process.version}` });
await input.next();
const begun = performance.now();
const client = sdk.init("sdk-key", options());
await client.waitForInitialization({ timeout: 60 });
write({ started: (performance.now() - begun) / 1000 });

for (const flag of flags) {
  const answer = await client.boolVariation(flag, contexts[0], false);
  const measured = await measure(async (calls) => {
    for (let call = 1, at = 0; call <= calls; call++) {
      await client.boolVariation(flag, contexts[at], false);
      if (++at === contexts.length) at = 0;
      if (call % CALLS_PER_TURN === 0) await setImmediate();
    }
  });
  write({ ...measured, answer });
}
if (state) {
  const measured = await measure(async (calls) => {
    for (let call = 0; call < calls; call++) await client.allFlagsState(contexts[0]);
  });
  const answer = Object.keys((await client.allFlagsState(contexts[0])).allValues()).length;
  write({ ...measured, answer });
}
await input.next();
await client.flush();
client.close();
process.exit(0);
