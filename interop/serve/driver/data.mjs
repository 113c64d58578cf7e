// The data of the tests.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { required } from "./server.mjs";

export const FLAGS = fileURLToPath(new URL("../flags.yaml", import.meta.url));
// Other flags: some with other values and lower versions, and fewer.
export const OTHER_FLAGS = required("VEXIL_SERVE_OTHER_FLAGS");
export const CONTEXTS = JSON.parse(readFileSync(new URL("../contexts.json", import.meta.url)));
