// A Redis server, and what a Relay Proxy writes to it.

import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';

import { Process, inTime, until } from './processes.js';

const PREFIX = 'ld:shop:live';

export class Redis {
  #process;

  /** Starts an empty server on a free port. */
  static async start() {
    const redis = new Redis();
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    redis.port = probe.address().port;
    await new Promise((closed) => probe.close(closed));
    redis.url = `redis://127.0.0.1:${redis.port}`;
    await redis.restart();
    return redis;
  }

  async kill() {
    this.#process.signal('SIGKILL');
    await this.#process.ended();
  }

  /** Starts the server again. It is empty, because it has written nothing to a disk. */
  async restart() {
    const settings = ['--bind', '127.0.0.1', '--port', this.port, '--save', '', '--appendonly', 'no'];
    this.#process = new Process('redis-server', settings.map(String));
    // Its log is not needed, but must be read.
    this.#process.output.resume();
    await until('Redis', () => this.send(['PING']).then(() => true, () => false));
  }

  /** Writes all items, and then the marker of a complete data set. */
  async fill({ flags, segments }) {
    const write = (hash, items) =>
      Object.entries(items).map(([key, item]) => ['HSET', `${PREFIX}:${hash}`, key, JSON.stringify({ key, version: 1, ...item })]);
    await this.send(...write('segments', segments), ...write('features', flags), ['SET', `${PREFIX}:$inited`, '']);
  }

  /** Writes a new version of a flag. */
  async put(key, flag) {
    await this.send(['HSET', `${PREFIX}:features`, key, JSON.stringify({ key, version: 2, ...flag })]);
  }

  /** Sends commands whose replies are one line each. */
  async send(...commands) {
    const connection = createConnection(this.port, '127.0.0.1');
    try {
      const bulk = (text) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
      connection.write(commands.map((command) => `*${command.length}\r\n${command.map(bulk).join('')}`).join(''));
      const lines = await inTime('the replies of Redis', replies(connection, commands.length));
      const errors = lines.filter((line) => line.startsWith('-'));
      if (errors.length > 0) throw new Error(errors.join('\n'));
    } finally {
      connection.destroy();
    }
  }
}

async function replies(connection, count) {
  let text = '';
  for await (const chunk of connection) {
    text += chunk;
    const lines = text.split('\r\n');
    if (lines.length > count) return lines.slice(0, count);
  }
  throw new Error('Redis has closed the connection');
}
