// A process of `vexil serve`, and its API.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { start } from "./processes.mjs";

const PROGRAM = required("VEXIL_SERVE_CLI");

export class Server {
  #process;

  // Starts a server with the arguments for its sources, by default on a free port.
  static async start(sources, { port = 0 } = {}) {
    const server = new Server();
    server.#process = start(PROGRAM, ["serve", ...sources, "--listen", `127.0.0.1:${port}`]);
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

  // A request to the API of the page.
  async api(method, path, body, environment = "default") {
    const response = await fetch(`${this.url}/vexil/api/env/${environment}/${path}`, {
      method,
      headers: { "X-Vexil": "1", "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  }

  // The flags for a context, for server-side and for client-side SDKs.
  async evaluate(context) {
    const evaluated = async (clients) =>
      (await this.api("POST", "evaluate", { context, class: clients })).flags;
    return { server: await evaluated("server"), client: await evaluated("js") };
  }
}

// The flags of a file for a context by `vexil eval`, for server-side and for client-side SDKs.
export function evaluate(source, context) {
  const evaluated = (options) => {
    const given = ["eval", source, "--json", "--quiet", "--context", JSON.stringify(context)];
    return JSON.parse(execFileSync(PROGRAM, [...given, ...options])).flags;
  };
  return { server: evaluated([]), client: evaluated(["--client", "js"]) };
}

export function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is set by scripts/interop-serve`);
  return value;
}
