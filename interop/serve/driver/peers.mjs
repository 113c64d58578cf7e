// SDKs under the control of the tests. A peer has the commands of `../peers/lines.mjs`.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { openPage } from "./browser.mjs";
import { start } from "./processes.mjs";

// How long a command may take, in milliseconds.
const TIMEOUT = 60_000;

// Starts a peer with each SDK.
export function startPeers(sdks, url, context) {
  return Promise.all(
    sdks.map(async ({ name, agent, client, command, page, options }) => {
      const given = { url, context, fdv2: false, polling: false, report: false, ...options };
      const started = page ? openPage(page, given) : startProcess(command, given);
      const { send, close } = await inTime(name, "start", started);
      const ask = (command) => inTime(name, command.do, send(command));
      return { name, agent, client, ask, close };
    }),
  );
}

// Starts a process, and returns functions that send it a command and end it.
async function startProcess([program, ...given], options) {
  const storage = mkdtempSync(join(tmpdir(), "vexil-serve-peer-"));
  const argument = JSON.stringify({ ...options, storage });
  const child = start(program, [...given, argument], "pipe");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${program} ended`);
    return JSON.parse(value);
  };
  await answer();
  const send = (command) => {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    return answer();
  };
  // A command without an answer may keep the process from reading the end of its input.
  const close = () => child.kill("SIGKILL");
  return { send, close };
}

// Fails if the answer of a peer takes too long.
async function inTime(name, what, answer) {
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(`${name}: no answer to ${what}`)), TIMEOUT);
  });
  try {
    return await Promise.race([answer, late]);
  } catch (error) {
    throw new Error(`${name}: ${what} failed`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
