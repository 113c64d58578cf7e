// The application while Redis is killed and returns empty.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { after, test } from 'node:test';

import { Application } from './application.js';
import { Events } from './events.js';
import { Load, expectedReceipt } from './load.js';
import { endAll, inTime, required, until } from './processes.js';
import { Redis } from './redis.js';
import { ADA, ANONYMOUS } from './visitors.js';

const DATA = JSON.parse(await readFile(required('FLAGS')));

after(endAll);

test('an outage of Redis changes no value, fails no request and loses no count', { timeout: 300_000 }, async (t) => {
  const redis = await Redis.start();
  const events = await Events.start();
  t.after(() => events.close());
  const servers = { REDIS_URL: redis.url, EVENTS_URL: events.url };

  const early = await Application.start(servers);
  await early.untilReady('a read of the empty Redis', ({ ready, store }) => store.answered && !ready);
  assert.equal(await early.probe('/healthz'), 200);
  await redis.fill(DATA);
  await early.untilReady('the first flags', ({ ready }) => ready);
  await early.stop();

  const application = await Application.start(servers);
  await application.untilReady('the flags', ({ ready }) => ready);
  const load = new Load(application.url);
  const started = performance.now();
  load.start();
  const keepsReady = ({ ready, store }) => {
    assert.ok(ready, JSON.stringify(store));
    return store;
  };
  const status = (what, holds) => application.untilReady(what, (readiness) => holds(keepsReady(readiness)));

  await load.continue(8_000);
  await redis.kill();
  await status('the outage', (store) => !store.available && store.stale);
  const without = await load.continue(5_000);
  assert.equal(await application.probe('/healthz'), 200);
  await redis.restart();
  await status('the empty Redis', (store) => store.available && store.stale && !store.initialized);
  const empty = await load.continue(9_000);
  await redis.fill(DATA);
  await status('the end of the outage', (store) => store.available && !store.stale && store.initialized);
  await load.continue(6_000);
  await load.stop();
  const seconds = (performance.now() - started) / 1000;

  const { times, failed, wrong } = load;
  times.sort((a, b) => a - b);
  t.diagnostic(`${times.length} requests in ${seconds.toFixed(1)} s, ${without} of them without Redis, ${empty} with an empty one`);
  t.diagnostic(`${failed.length} failed, ${wrong.length} with wrong values`);
  const quantile = (part) => times[Math.floor(part * (times.length - 1))].toFixed(1);
  t.diagnostic(`answered in ${quantile(0.5)} ms (p50), ${quantile(0.99)} ms (p99), ${quantile(1)} ms (max)`);
  // A few of them, so that the message is readable.
  assert.deepEqual(failed.slice(0, 5), []);
  assert.deepEqual(wrong.slice(0, 5), []);

  // Changes arrive again.
  await redis.put('theme', { ...DATA.flags.theme, on: false, offVariation: 1 });
  await until('a change of a flag', async () => (await load.shop(ANONYMOUS)).theme === 'dark');

  const metrics = await until('metrics about events', async () => {
    const text = await (await fetch(`${application.url}/metrics`)).text();
    return text.includes('vexil_events_delivered') && text;
  });
  assert.match(metrics, /^# TYPE \S+ counter$/m);

  // A request is in flight, its body half sent, when the signal arrives.
  const { request, body, receipt } = load.openOrder(ADA, { expect: '100-continue' });
  await inTime('the application to read the order', new Promise((read) => request.on('continue', read)));
  request.write(body.slice(0, 5));
  application.terminate();
  await until('the end of new connections', () => refuses(application.url));
  request.end(body.slice(5));
  assert.deepEqual(await inTime('the receipt', receipt), expectedReceipt(ADA));

  const lines = await application.ended();
  const span = lines.findLast((line) => line.startsWith('POST /api/orders 200 '));
  assert.match(span, /, new-checkout = true, discount-percent = 10$/);
  const [, delivered] = /^(\d+) events delivered, 0 events and 0 counts dropped, 0 payloads given up$/.exec(lines.at(-1)) ?? [];
  assert.ok(delivered, lines.at(-1));
  t.diagnostic(`${load.counts.total()} evaluations, ${events.counts.total()} delivered in ${events.payloads} payloads`);
  assert.deepEqual(events.counts.list(), load.counts.list());
  await redis.kill();
});

function refuses(url) {
  const { hostname, port } = new URL(url);
  return new Promise((found) => {
    const socket = connect(port, hostname);
    socket.on('connect', () => {
      socket.destroy();
      found(false);
    });
    socket.on('error', () => found(true));
  });
}
