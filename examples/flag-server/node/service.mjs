// A service that uses the flags of `vexil serve`, prints a line when one has another value, and serves
// the browser page. The arguments are the URL of the flag server and a port, both optional.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import { init } from "@launchdarkly/node-server-sdk";

const [url = "http://127.0.0.1:8765", port = "3000"] = process.argv.slice(2);

// The flag server accepts any SDK key.
const client = init("sdk-key", { baseUri: url, streamUri: url, eventsUri: url });
await client.waitForInitialization({ timeout: 10 });

const user = { kind: "user", key: "ada", visits: 3 };
let printed;

async function print() {
  const theme = await client.variation("theme", user, "light");
  const greeting = await client.variation("greeting", user, "Hello!");
  const timeout = await client.variation("search-timeout-ms", user, 500);
  const line = `Node: theme ${theme}, greeting ${greeting}, search-timeout-ms ${timeout}`;
  if (line !== printed) console.log(line);
  printed = line;
}

await print();
client.on("update", print);

const page = readFileSync(new URL("../browser/index.html", import.meta.url), "utf8");
const sdk = readFileSync(new URL(import.meta.resolve("@launchdarkly/js-client-sdk")));
const server = createServer((request, response) => {
  const script = request.url === "/sdk.mjs";
  response.setHeader("Content-Type", script ? "text/javascript" : "text/html; charset=utf-8");
  response.end(script ? sdk : page.replace("FLAG_SERVER", url));
});
server.listen(Number(port), "127.0.0.1", () => {
  console.log(`the page is at http://127.0.0.1:${server.address().port}`);
});
