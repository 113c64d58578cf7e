// The service for events: it counts the evaluations that summaries report.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

import { Counts } from './counts.js';

export class Events {
  #server;
  #payloads = new Set();
  counts = new Counts();

  static async start() {
    const events = new Events();
    events.#server = createServer(async (request, response) => {
      const body = await buffer(request);
      events.#receive(request, body);
      response.writeHead(202).end();
    });
    events.#server.listen(0, '127.0.0.1');
    await once(events.#server, 'listening');
    events.url = `http://127.0.0.1:${events.#server.address().port}`;
    return events;
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get payloads() {
    return this.#payloads.size;
  }

  #receive({ url, headers }, body) {
    if (!url.endsWith('/bulk')) return;
    const id = headers['x-launchdarkly-payload-id'];
    // A payload that is sent again has the same id.
    if (this.#payloads.has(id)) return;
    this.#payloads.add(id);
    const text = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    for (const { kind, features } of JSON.parse(text)) {
      if (kind !== 'summary') continue;
      for (const [flag, { counters }] of Object.entries(features)) {
        for (const { value, count } of counters) this.counts.add(flag, value, count);
      }
    }
  }
}
