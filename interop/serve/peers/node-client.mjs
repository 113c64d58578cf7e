// The Node.js client-side SDK. The argument is {url, report, context, storage}.
import sdk from "launchdarkly-node-client-sdk";

import { commandsOf } from "./client-side.mjs";
import { serve } from "./lines.mjs";

const { url, report, context, storage } = JSON.parse(process.argv[2]);
const client = sdk.initialize("default", context, {
  baseUrl: url,
  streamUrl: url,
  eventsUrl: url,
  streaming: true,
  useReport: report,
  evaluationReasons: true,
  sendEventsOnlyForVariation: true,
  localStoragePath: storage,
  logger: sdk.basicLogger({ level: "error" }),
});
await client.waitForInitialization(60);
await serve(commandsOf(client));
