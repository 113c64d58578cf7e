// The JavaScript SDK 4.x in a page. `start` takes {url, report, fdv2, hash, context}.
import { basicLogger, createClient } from "@launchdarkly/js-client-sdk";

import { commandsOf } from "../client-side.mjs";

window.start = async ({ url, report, fdv2, hash, context }) => {
  const client = createClient("default", context, {
    baseUri: url,
    streamUri: url,
    eventsUri: url,
    useReport: report,
    withReasons: true,
    logger: basicLogger({ level: "error" }),
    ...(fdv2
      ? { dataSystem: { automaticModeSwitching: { type: "manual", initialConnectionMode: "streaming" } } }
      : { streaming: true }),
  });
  const { status } = await client.start({ timeout: 60, identifyOptions: { hash } });
  if (status !== "complete") throw new Error(`start: ${status}`);
  window.peer = commandsOf(client);
};
