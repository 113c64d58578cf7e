// The Node.js server SDK. The argument is {url, fdv2, polling, context}; lines.mjs has the commands.
import { setTimeout as sleep } from "node:timers/promises";

import sdk from "@launchdarkly/node-server-sdk";

import { serve } from "./lines.mjs";

const { url, fdv2, polling, context } = JSON.parse(process.argv[2]);
const client = sdk.init("sdk-key", {
  baseUri: url,
  streamUri: url,
  eventsUri: url,
  stream: !polling,
  enableEventCompression: true,
  logger: sdk.basicLogger({ level: "error" }),
  ...(fdv2 && { dataSystem: { dataSource: { dataSourceOptionsType: "standard" } } }),
});
await client.waitForInitialization({ timeout: 60 });

async function values(context) {
  const state = await client.allFlagsState(context);
  const found = {};
  for (const flag of Object.keys(state.allValues())) {
    const { value, variationIndex, reason } = await client.variationDetail(flag, context, null);
    found[flag] = { value, variation: variationIndex ?? null, reason };
  }
  return found;
}

const commands = {
  values: ({ context }) => values(context),
  await: async ({ flag, value }) => {
    while ((await client.variation(flag, context, null)) !== value) await sleep(2);
  },
  evaluate: async ({ flag, times }) => {
    for (let i = 0; i < times; i++) await client.variation(flag, context, null);
  },
  identify: ({ context }) => client.identify(context),
  track: ({ event }) => client.track(event, context),
  flush: () => client.flush(),
};
await serve((command) => commands[command.do](command));
