// The SDKs of the tests, as they name themselves in requests. A client-side SDK does not evaluate
// flags but receives the values of those that it may see.
import { fileURLToPath } from "node:url";

import { required } from "./server.mjs";

const file = (path) => fileURLToPath(new URL(`../peers/${path}`, import.meta.url));
const { VEXIL_SERVE_PYTHON, VEXIL_SERVE_GO, VEXIL_SERVE_JAVA, VEXIL_SERVE_CHROMIUM } = process.env;

const rust = { agent: "VexilRust/", command: [required("VEXIL_SERVE_RUST")] };
const node = { agent: "NodeJSClient/9.13.7", command: ["node", file("node-server.mjs")] };
const python = { agent: "PythonClient/9.20.0", command: [VEXIL_SERVE_PYTHON, file("peer.py")] };
const go = { agent: "GoClient/7.14.6", command: [VEXIL_SERVE_GO] };
const java = {
  agent: "JavaClient/7.13.0",
  command: [VEXIL_SERVE_JAVA && "java", "-cp", `${VEXIL_SERVE_JAVA}/*`, file("java/Peer.java")],
};
const nodeClient = {
  agent: "NodeClientSide/3.4.3",
  client: true,
  command: ["node", file("node-client.mjs")],
};
const inBrowser = { client: true, installed: Boolean(VEXIL_SERVE_CHROMIUM) };
const javaScript3 = { ...inBrowser, agent: "JSClient/3.9.5", page: "version-3" };
const javaScript4 = { ...inBrowser, agent: "JSClient/4.10.3", page: "version-4" };

const fdv2 = { fdv2: true };
const report = { report: true };

// Each SDK once for each way to receive flags.
export const SDKS = [
  { name: "Rust", ...rust },
  { name: "Rust, FDv2", ...rust, options: fdv2 },
  { name: "Node", ...node },
  { name: "Node, FDv2", ...node, options: fdv2 },
  { name: "Python", ...python },
  { name: "Python, FDv2", ...python, options: fdv2 },
  { name: "Go", ...go },
  { name: "Go, FDv2", ...go, options: fdv2 },
  { name: "Java", ...java },
  { name: "Node client", ...nodeClient },
  { name: "Node client, REPORT", ...nodeClient, options: report },
  { name: "JavaScript 3", ...javaScript3 },
  { name: "JavaScript 3, REPORT", ...javaScript3, options: report },
  { name: "JavaScript 4", ...javaScript4 },
  { name: "JavaScript 4, REPORT", ...javaScript4, options: report },
  { name: "JavaScript 4, FDv2", ...javaScript4, options: fdv2 },
  { name: "JavaScript 4, FDv2, POST", ...javaScript4, options: { ...fdv2, ...report } },
].filter(({ command, installed }) => (command ? command[0] : installed));

// The server-side SDKs, which poll instead of streaming.
export const POLLING = SDKS.filter(({ client, options }) => !client && !options).map((sdk) => ({
  ...sdk,
  options: { polling: true },
}));
