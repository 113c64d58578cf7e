// The JavaScript SDK 3.x in a page. `start` takes {url, report, hash, context}.
import * as sdk from "launchdarkly-js-client-sdk";

import { commandsOf } from "../client-side.mjs";

window.start = async ({ url, report, hash, context }) => {
  const client = sdk.initialize("default", context, {
    baseUrl: url,
    streamUrl: url,
    eventsUrl: url,
    streaming: true,
    useReport: report,
    hash,
    evaluationReasons: true,
    // The SDK sends its first diagnostic event after this time, the shortest that it accepts.
    diagnosticRecordingInterval: 2000,
    sendEventsOnlyForVariation: true,
    logger: sdk.basicLogger({ level: "error" }),
  });
  await client.waitForInitialization(60);
  window.peer = commandsOf(client);
};
