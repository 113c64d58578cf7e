// `vexil serve` as a process, in a folder of its own.

import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { promisify } from 'node:util';

import { flagData } from './flags.js';

const VEXIL = process.env.VEXIL;

/** Runs the command and returns its standard output. */
export async function vexil(...args) {
  const { stdout } = await promisify(execFile)(VEXIL, args, { maxBuffer: 64 << 20 });
  return stdout;
}

export class Server {
  /** Starts a server of `count` flags. */
  static async start({ count = 212, sources = ['flags.json', '--overrides', 'overrides.yaml'], args = [], env = {} } = {}) {
    const server = new Server();
    server.folder = await mkdtemp(path.join(tmpdir(), 'vexil-page-'));
    server.source = path.join(server.folder, 'flags.json');
    server.overrides = path.join(server.folder, 'overrides.yaml');
    server.env = env;
    server.args = [...sources, ...args];
    await writeFile(server.source, JSON.stringify(flagData(count)));
    await server.run('127.0.0.1:0');
    return server;
  }

  /** Starts the process; after `kill`, on the same port. */
  async run(listen = `127.0.0.1:${this.port}`) {
    const args = ['serve', '--listen', listen, ...this.args];
    this.process = spawn(VEXIL, args, { cwd: this.folder, env: { ...process.env, ...this.env }, stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = new Promise((_, reject) => {
      this.process.once('exit', (code) => reject(new Error(`vexil serve ended with status ${code}`)));
    });
    exited.catch(() => {});
    const ready = (async () => {
      for await (const line of readline.createInterface({ input: this.process.stdout })) {
        const found = /^vexil serve listening on (http:\/\/\S+)/.exec(line);
        if (found) return found[1];
      }
      throw new Error('vexil serve did not become ready');
    })();
    this.address = (await Promise.race([ready, exited])).replace(/\/$/, '');
    this.port = Number(new URL(this.address).port);
    this.process.stdout.resume();
  }

  async kill() {
    const ended = new Promise((resolve) => { this.process.once('exit', resolve); });
    this.process.kill('SIGKILL');
    await ended;
  }

  async stop() {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A request to the API of the page, as a program makes it. */
  async api(method, place, body) {
    const response = await fetch(`${this.address}/vexil/api${place}`, {
      method,
      headers: { 'Content-Type': 'application/json', 'X-Vexil': '1' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${place}: ${response.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  /** Removes all overrides and events. */
  async reset() {
    await this.api('DELETE', '/env/default/overrides');
    await this.api('DELETE', '/env/default/events');
  }

  /** Sends events as a server-side SDK does. */
  async sendEvents(events, agent = 'TestClient/1.0.0') {
    const response = await fetch(`${this.address}/bulk`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: 'sdk-key', 'User-Agent': agent, 'X-LaunchDarkly-Event-Schema': '4' },
      body: JSON.stringify(events),
    });
    if (!response.ok) throw new Error(`/bulk: ${response.status} ${await response.text()}`);
  }

  /** Opens a stream as a server-side SDK does. Returns the response after its first data. */
  openStream(agent) {
    return new Promise((resolve, reject) => {
      const request = http.get(`${this.address}/all`, { headers: { Authorization: 'sdk-key', 'User-Agent': agent } });
      request.on('error', reject);
      request.on('response', (response) => {
        response.on('error', () => {});
        response.once('data', () => resolve(response));
      });
    });
  }
}
