// Loaded into the API before its own code (`--import`): tells how late its event loop is, how long it takes from a status
// request to its answer, and how often it writes to Redis. Asked over HTTP; an answer begins a new measurement.
import diagnostics from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import { Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

if (isMainThread && process.argv[1]?.endsWith('apps/api/dist/main.js')) {
  const redisPort = Number(new URL(process.env.REDIS_URL ?? '').port);
  const delays = monitorEventLoopDelay({ resolution: 10 });
  delays.enable();
  let redisWrites = 0;
  /** @type {number[]} */
  let statusMs = [];
  const write = Socket.prototype.write;
  Socket.prototype.write = /** @type {any} */ (
    /** @type {(this: Socket, ...args: any) => boolean} */
    function countedWrite(...args) {
      if (this.remotePort === redisPort) redisWrites += 1;
      return Reflect.apply(write, this, args);
    }
  );
  /** @type {WeakMap<object, number>} */
  const beganMs = new WeakMap();
  diagnostics.subscribe('http.server.request.start', (message) => {
    const { request } = /** @type {any} */ (message);
    if (/^\/v1\/jobs\/[^/]+$/.test(request.url)) beganMs.set(request, performance.now());
  });
  diagnostics.subscribe('http.server.response.finish', (message) => {
    const began = beganMs.get(/** @type {any} */ (message).request);
    if (began !== undefined) statusMs.push(performance.now() - began);
  });
  createServer((_request, response) => {
    const loopMs = {
      p50: delays.percentile(50) / 1e6,
      p99: delays.percentile(99) / 1e6,
      max: delays.max / 1e6,
    };
    response.end(JSON.stringify({ loopMs, redisWrites, statusMs }));
    delays.reset();
    redisWrites = 0;
    statusMs = [];
  })
    .listen(Number(process.env.BENCH_PROBE_PORT), '127.0.0.1')
    .unref();
}
