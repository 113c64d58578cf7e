// Requests of many visitors, whose answers are checked.

import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { Counts } from './counts.js';
import { TIMEOUT, inTime } from './processes.js';
import { nth } from './visitors.js';

/** Requests in each interval in milliseconds, if the machine is fast enough. */
const BATCH = 4;
const INTERVAL = 20;
/** An order of this many cents. */
export const CENTS = 1999;

export class Load {
  #url;
  #agent = new Agent({ keepAlive: true, maxSockets: 16 });
  #running;
  #stopped = false;
  times = [];
  failed = [];
  wrong = [];
  /** The evaluations that the answers prove. */
  counts = new Counts();

  constructor(url) {
    this.#url = url;
  }

  start() {
    this.#running = this.#run();
  }

  /** Waits, and requires that requests were answered in that time. */
  async continue(milliseconds) {
    const before = this.times.length;
    await sleep(milliseconds);
    const answered = this.times.length - before;
    if (answered === 0) throw new Error(`no request was answered in ${milliseconds} ms`);
    return answered;
  }

  async stop() {
    this.#stopped = true;
    await inTime('the last answers', this.#running);
    this.#agent.destroy();
  }

  async #run() {
    for (let n = 0; !this.#stopped; n += BATCH) {
      const batch = Array.from({ length: BATCH }, (_, index) => this.#visit(n + index));
      await Promise.all([...batch, sleep(INTERVAL)]);
    }
  }

  async #visit(n) {
    const visitor = nth(n);
    const start = performance.now();
    try {
      if (n % 3 === 0) {
        this.#check(visitor, expectedReceipt(visitor), await this.order(visitor));
      } else {
        this.#check(visitor, visitor.flags, await this.shop(visitor));
      }
      this.times.push(performance.now() - start);
    } catch (error) {
      this.failed.push(String(error));
    }
  }

  #check(visitor, expected, found) {
    if (isDeepStrictEqual(found, expected)) return;
    this.wrong.push(`${JSON.stringify(visitor.headers)}: ${JSON.stringify(found)}`);
  }

  async shop(visitor) {
    const found = await this.#answer(this.#request('GET', '/api/shop', visitor).end());
    for (const [flag, value] of Object.entries(found)) this.counts.add(flag, value);
    return found;
  }

  order(visitor) {
    const order = this.openOrder(visitor);
    order.request.end(order.body);
    return order.receipt;
  }

  /** An order whose body is not sent yet. */
  openOrder({ headers, flags }, more = {}) {
    const body = JSON.stringify({ cents: CENTS });
    const given = { ...headers, 'content-type': 'application/json', 'content-length': body.length, ...more };
    const request = this.#request('POST', '/api/orders', { headers: given });
    const receipt = this.#answer(request).then((found) => {
      for (const flag of ['new-checkout', 'discount-percent']) this.counts.add(flag, flags[flag]);
      return found;
    });
    return { request, body, receipt };
  }

  #request(method, path, { headers }) {
    return request(this.#url + path, { method, headers, agent: this.#agent, timeout: TIMEOUT })
      .on('timeout', function () { this.destroy(new Error('no answer in time')); });
  }

  async #answer(request) {
    const response = await new Promise((answered, failed) => request.on('response', answered).on('error', failed));
    const body = await text(response);
    if (response.statusCode !== 200) throw new Error(`${request.path}: ${response.statusCode} ${body}`);
    return JSON.parse(body);
  }
}

/** What the application answers to an order. */
export function expectedReceipt({ flags }) {
  const cents = Math.floor((CENTS * (100 - flags['discount-percent'])) / 100);
  return { cents, checkout: flags['new-checkout'] ? 'new' : 'old' };
}
