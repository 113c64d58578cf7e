// Processes that end with this one.
import { spawn } from "node:child_process";

const running = new Set();
process.once("exit", () => running.forEach((child) => child.kill("SIGKILL")));

export function start(program, given, stdin = "ignore") {
  const child = spawn(program, given, { stdio: [stdin, "pipe", "inherit"] });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}
