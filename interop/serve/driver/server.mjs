// A process of `vexil serve`, and its API.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { start } from "./processes.mjs";

const PROGRAM = required("VEXIL_SERVE_CLI");

export class Server {
  #process;

  // Starts a server, by default on a free port.
  static async start(source, { port = 0 } = {}) {
    const server = new Server();
    server.#process = start(PROGRAM, ["serve", source, "--listen", `127.0.0.1:${port}`]);
    for await (const line of createInterface({ input: server.#process.stdout })) {
      const ready = /listening on (\S+)/.exec(line);
      if (ready) {
        server.url = ready[1];
        server.port = new URL(server.url).port;
        return server;
      }
    }
    throw new Error("vexil serve ended before it was ready");
  }

  async kill() {
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
  }

  // A request to the API of the only environment.
  async api(method, path, body) {
    const response = await fetch(`${this.url}/vexil/api/env/default/${path}`, {
      method,
      headers: { "X-Vexil": "1", "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }
}

// The flags by `vexil eval`: all, or those that a client of a class receives.
export function evaluate(source, context, client) {
  const options = ["--context", JSON.stringify(context), ...(client ? ["--client", client] : [])];
  const printed = execFileSync(PROGRAM, ["eval", source, "--json", "--quiet", ...options]);
  return JSON.parse(printed).flags;
}

export function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is set by scripts/interop-serve`);
  return value;
}
