// A process of examples/web.

import { createInterface } from 'node:readline';

import { Process, inTime, required, until } from './processes.js';

export class Application {
  #process;
  #ended;
  lines = [];

  /** Starts the application on a free port. */
  static async start(env) {
    const application = new Application();
    application.#process = new Process(required('EXAMPLE'), [], { LISTEN: '127.0.0.1:0', ...env });
    const lines = createInterface({ input: application.#process.output });
    application.url = await inTime('the application to listen', new Promise((listening, failed) => {
      application.#ended = new Promise((ended) => lines.on('close', ended));
      lines.on('line', (line) => {
        application.lines.push(line);
        const url = /^listening on (\S+)/.exec(line)?.[1];
        if (url) listening(url);
      });
      lines.on('close', () => failed(new Error('the application ended before it was listening')));
    }));
    return application;
  }

  /** The status code of a probe. */
  async probe(path) {
    return (await fetch(this.url + path)).status;
  }

  /** The answer of the readiness probe. */
  async readiness() {
    const response = await fetch(`${this.url}/readyz`);
    const readiness = await response.json();
    if (readiness.ready !== response.ok) throw new Error(`the status ${response.status} and the answer differ`);
    return readiness;
  }

  async untilReady(what, holds) {
    await until(what, async () => holds(await this.readiness()));
  }

  /** Asks the application to end. */
  terminate() {
    this.#process.signal('SIGTERM');
  }

  /** Waits for the end, and returns what the application has printed. */
  async ended() {
    const code = await this.#process.ended();
    await this.#ended;
    if (code !== 0) throw new Error(`the application ended with ${code}: ${this.lines.slice(-5).join('\n')}`);
    return this.lines;
  }

  async stop() {
    this.terminate();
    return this.ended();
  }
}
