// Processes that end with this one, and waiting for them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** Generous: the machine may be busy. */
export const TIMEOUT = 60_000;

const running = new Set();
process.once('exit', endAll);

/** Ends the processes that a failed test has left behind. */
export function endAll() {
  running.forEach((child) => child.kill('SIGKILL'));
}

export class Process {
  #child;
  #exit;

  constructor(program, args, env = {}) {
    this.#child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    this.output = this.#child.stdout;
    running.add(this.#child);
    this.#exit = once(this.#child, 'exit').then(([code, signal]) => {
      running.delete(this.#child);
      return signal ?? code;
    });
  }

  signal(name) {
    process.kill(this.#child.pid, name);
  }

  /** Resolves to the exit code, or to the signal that ended the process. */
  async ended() {
    return inTime('the end of a process', this.#exit);
  }
}

/** Waits until a function returns something other than undefined or false. */
export async function until(what, look) {
  for (const start = performance.now(); performance.now() - start < TIMEOUT; await sleep(50)) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
  }
  throw new Error(`timeout while waiting for ${what}`);
}

export async function inTime(what, promise) {
  const timeout = new AbortController();
  const late = sleep(TIMEOUT, undefined, { signal: timeout.signal }).then(() => {
    throw new Error(`timeout while waiting for ${what}`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timeout.abort();
    late.catch(() => {});
  }
}

export function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is set by scripts/web-example`);
  return value;
}
