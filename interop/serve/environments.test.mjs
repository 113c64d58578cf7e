// Two environments of one server: an SDK reaches each with the prefix of its path, and keeps the
// prefix in all its requests. The events are counted before other tests evaluate the flags.
import { after, before, test } from "node:test";

import { closeBrowser } from "./driver/browser.mjs";
import { CONTEXTS, FLAGS, OTHER_FLAGS } from "./driver/data.mjs";
import { Field } from "./driver/field.mjs";
import { Server, evaluate } from "./driver/server.mjs";

const CONTEXT = CONTEXTS.multi;

let server;
let field;

before(async () => {
  server = await Server.start(["--env", `shop=${OTHER_FLAGS}`, "--env", `admin=${FLAGS}`]);
  field = await Field.start(server, CONTEXT, { path: "/env/admin" });
});

after(async () => {
  await field?.close();
  await closeBrowser();
  await server?.kill();
});

test("events are seen in the environment in the path", async () => {
  await field.assertCounted(server, "counted", [1, 17, "two"], "admin");
});

test("each SDK receives the flags of the environment in its path", async () => {
  await field.assertFlags(evaluate(FLAGS, CONTEXT), "multi", CONTEXT);
  await server.api("PUT", "overrides/flags/theme", { value: "of the shop" }, "shop");
  await server.api("PUT", "overrides/flags/theme", { value: "of the administrators" }, "admin");
  await field.askAll({ do: "await", flag: "theme", value: "of the administrators" });
});
