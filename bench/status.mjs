// How fast a job's status is told to a hundred clients that poll it, while a hundred others follow it live: with the job
// paused and with it running on all cores, in turns. Also what limits it: the API's event loop, its share of the cores,
// how long it waits for one, and its round trips to Redis.
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../scripts/lib/run.mjs';
import { startServices } from '../scripts/lib/services.mjs';
import { openTenant } from './load.mjs';

const clients = 100;
const images = 20_000;
/** All clients connect meanwhile. */
const warmUpMs = 3_000;

/**
 * @param {{ root: string, quick: boolean, report: (message: string) => void }} options
 */
export async function benchStatus({ root, quick, report }) {
  const dir = mkdtempSync(join(tmpdir(), 'umbra-bench-'));
  const probePort = await freePort();
  const services = await startServices({
    dir,
    workers: 2,
    env: {
      UMBRA_AUTH: 'keys',
      UMBRA_REQUESTS_PER_MINUTE: '1000000',
      NODE_OPTIONS: `--import ${join(root, 'bench/status/probe.mjs')}`,
      BENCH_PROBE_PORT: String(probePort),
    },
  });
  try {
    const tenant = await openTenant(services.url, dir, 'bench');
    const job = await tenant.submit(await tenant.upload(join(root, 'samples/photos'), images));
    await tenant.until(job, ({ counts }) => counts.completed > 20);
    const url = `${services.url}/v1/jobs/${job}`;
    const measured = { url, key: tenant.key, durationMs: quick ? 8_000 : 20_000 };
    const pid = services.api.pid ?? 0;
    /** @type {Record<'idle' | 'busy', Row[]>} */
    const rows = { idle: [], busy: [] };
    for (let round = 0; round < (quick ? 1 : 3); round += 1) {
      for (const state of /** @type {const} */ (['idle', 'busy'])) {
        await tenant.request(`/v1/jobs/${job}/${state === 'idle' ? 'pause' : 'resume'}`, {
          method: 'POST',
        });
        await tenant.until(
          job,
          (status) => status.state === (state === 'idle' ? 'paused' : 'in_progress'),
        );
        // What was in flight ends, or the queues fill.
        await sleep(2_000);
        const row = await measure({ ...measured, pid, probePort });
        report(`${state}: ${describe(row)}`);
        rows[state].push(row);
      }
    }
    await tenant.cancel(job);
    const idle = summarize(rows.idle);
    const busy = summarize(rows.busy);
    report(
      `median of rounds: p99 idle ${idle.p99.median.toFixed(1)} ms, busy ${busy.p99.median.toFixed(1)} ms`,
    );
    return { pollers: clients, followers: clients, idle, busy };
  } finally {
    await services.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** @typedef {Awaited<ReturnType<typeof measure>>} Row */

/**
 * @param {{ url: string, key: string, durationMs: number, pid: number, probePort: number }} options
 */
async function measure({ url, key, durationMs, pid, probePort }) {
  const readProbe = async () => {
    const response = await fetch(`http://127.0.0.1:${probePort}`);
    return /** @type {{ loopMs: { p50: number, p99: number, max: number }, redisWrites: number, statusMs: number[] }} */ (
      await response.json()
    );
  };
  const order = { url, key, count: clients, warmUpMs, durationMs };
  const running = [
    runClients({ ...order, kind: 'poll' }),
    runClients({ ...order, kind: 'follow' }),
  ];
  await sleep(warmUpMs);
  await readProbe();
  const before = { ...scheduled(pid), atMs: performance.now() };
  const runnable = sampleRunnable();
  const [polled, followed] = /** @type {[Seen, Seen]} */ (await Promise.all(running));
  const after = { ...scheduled(pid), atMs: performance.now() };
  const { loopMs, redisWrites, statusMs } = await readProbe();
  const seconds = (after.atMs - before.atMs) / 1000;
  return {
    requests: polled.times.length,
    ...quantiles(polled.times),
    /** From the request's arrival in the API's event loop to its answer, ms. */
    insideApi: quantiles(statusMs),
    apiLoop: loopMs,
    pollersLate: polled.lateMs,
    /** Shares of one core. */
    apiRuns: (after.ranMs - before.ranMs) / 1000 / seconds,
    apiWaits: (after.waitedMs - before.waitedMs) / 1000 / seconds,
    /** Threads of the whole machine that run or wait for a core, on average. */
    runnable: runnable.stop(),
    redisWritesPerPoll: redisWrites / Math.max(1, statusMs.length),
    events: followed.times.length,
    eventsLate: quantiles(followed.times),
  };
}

/** @typedef {{ times: number[], lateMs: { p50: number, p99: number } }} Seen */

/**
 * Runs clients in a process of their own, so that reading many streams does not delay the clock of the others.
 *
 * @param {import('./status/clients.mjs').Order} order
 */
function runClients(order) {
  return /** @type {Promise<Seen>} */ (
    new Promise((resolve, reject) => {
      const child = fork(join(import.meta.dirname, 'status/clients.mjs'), { stdio: 'inherit' });
      child.once('message', (/** @type {any} */ seen) => resolve(seen));
      child.once('exit', (code) =>
        reject(new Error(`Expected clients that report, got exit ${code}`)),
      );
      child.send(order);
    })
  );
}

/**
 * How long a process's main thread ran, and waited for a core.
 *
 * @param {number} pid
 */
function scheduled(pid) {
  const [ran = 0, waited = 0] = readFileSync(`/proc/${pid}/schedstat`, 'utf8')
    .split(' ')
    .map(Number);
  return { ranMs: ran / 1e6, waitedMs: waited / 1e6 };
}

/** Counts the threads of the machine that run or wait for a core, again and again. */
function sampleRunnable() {
  const counts = [0];
  const timer = setInterval(() => {
    // This process is one of them.
    counts.push(Number(/ (\d+)\//.exec(readFileSync('/proc/loadavg', 'utf8'))?.[1]) - 1);
  }, 100);
  const stop = () => {
    clearInterval(timer);
    return counts.reduce((sum, count) => sum + count, 0) / Math.max(1, counts.length - 1);
  };
  return { stop };
}

/** @param {readonly number[]} times */
function quantiles(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (/** @type {number} */ q) => sorted[Math.floor(q * (sorted.length - 1))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** @param {Row} row */
function describe(row) {
  const ms = (/** @type {number} */ value) => value.toFixed(1);
  const percent = (/** @type {number} */ share) => `${(100 * share).toFixed(0)} %`;
  return (
    `status p50 ${ms(row.p50)}, p99 ${ms(row.p99)}, max ${ms(row.max)} ms; inside the API p99 ${ms(row.insideApi.p99)} ms; ` +
    `its event loop p99 ${ms(row.apiLoop.p99)} ms late (the pollers' ${ms(row.pollersLate.p99)}); ` +
    `it runs ${percent(row.apiRuns)} of a core and waits ${percent(row.apiWaits)} for one, among ${ms(row.runnable)} runnable threads; ` +
    `${row.redisWritesPerPoll.toFixed(2)} round trips to Redis a poll; ` +
    `${row.events} events, p50 ${ms(row.eventsLate.p50)}, p99 ${ms(row.eventsLate.p99)} ms late`
  );
}

/** @param {readonly Row[]} rows */
function summarize(rows) {
  const spread = (/** @type {(row: Row) => number} */ of) => {
    const sorted = rows.map(of).toSorted((a, b) => a - b);
    return {
      median: sorted[(sorted.length - 1) >> 1] ?? 0,
      min: sorted[0] ?? 0,
      max: sorted.at(-1) ?? 0,
    };
  };
  return { p50: spread(({ p50 }) => p50), p99: spread(({ p99 }) => p99), rounds: rows };
}
