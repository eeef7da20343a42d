// What jobs that only wait cost: the dispatcher's share of a core, and how long another one takes over.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { queueNames, redisPrefix } from '@umbra/platform/queues/names';
import { createJobProgressStore } from '@umbra/platform/redis/job-progress';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { newJobId } from '@umbra/shared/ids';
import { Redis } from 'ioredis';
import { repoRoot } from '../scripts/lib/run.mjs';
import { startProcess, waitUntilReady } from '../scripts/lib/server.mjs';
import { startServices } from '../scripts/lib/services.mjs';

const tenant = 'default';
/** Clock ticks a second of `/proc/PID/stat`: Linux's USER_HZ. */
const ticksPerSecond = 100;

/** @param {{ quick: boolean, report: (message: string) => void }} options */
export async function benchWaiting({ quick, report }) {
  const counts = quick ? [1_000] : [1_000, 10_000];
  const rows = [];
  for (const jobs of counts) {
    const row = await measure(jobs, quick ? 5_000 : 20_000, report);
    report(
      `${jobs} waiting jobs: dispatcher ${(100 * row.dispatcherCores).toFixed(1)} % of a core, ` +
        `Redis ${(100 * row.redisCores).toFixed(1)} %, ${row.dispatcherMebibytes.toFixed(0)} MiB`,
    );
    for (const [how, taken] of [
      ['stop', row.afterStop],
      ['kill', row.afterKill],
    ]) {
      const { lockSeconds, workSeconds, workCpuSeconds } = /** @type {typeof row.afterStop} */ (
        taken
      );
      report(
        `taken over after a ${how}: the lock in ${lockSeconds.toFixed(2)} s, then an image is queued in ` +
          `${workSeconds.toFixed(2)} s (${workCpuSeconds.toFixed(2)} s of CPU)`,
      );
    }
    rows.push(row);
  }
  return rows;
}

/**
 * @param {number} jobs
 * @param {number} stretchMs
 * @param {(message: string) => void} report
 */
async function measure(jobs, stretchMs, report) {
  const dir = mkdtempSync(join(tmpdir(), 'umbra-bench-'));
  const env = { UMBRA_STEPS: 'dispatch,ingest' };
  const services = await startServices({ dir, workers: 1, env });
  const redis = new Redis(services.redisUrl);
  try {
    const progress = createJobProgressStore(redis);
    const store = createFsStore(join(dir, 'store'));
    const record = await submitFirst(services.url, store);
    /** @param {Record<string, unknown>} changes */
    const add = async (changes) => {
      const id = newJobId();
      await store.put(keys.activeJob(tenant, id), '');
      await putJson(store, keys.job(tenant, id), { ...record, id, ...changes });
      await progress.register(tenant, id);
      return id;
    };
    report(`making ${jobs} jobs`);
    /** @type {string[]} */
    const ids = [];
    for (let made = 0; made < jobs; made += 50) {
      ids.push(...(await Promise.all(Array.from({ length: 50 }, () => add({})))));
    }
    // The last one to be started has been looked at, as all before it.
    await until(async () => (await startedCount(progress, ids)) === jobs, 600_000);
    await sleep(3_000);
    const pids = { dispatcher: services.workers[0]?.pid ?? 0, redis: await pidOf(redis) };
    const before = { dispatcher: cpuSeconds(pids.dispatcher), redis: cpuSeconds(pids.redis) };
    const beganMs = performance.now();
    await sleep(stretchMs);
    const seconds = (performance.now() - beganMs) / 1000;
    const dispatcherCores = (cpuSeconds(pids.dispatcher) - before.dispatcher) / seconds;
    const redisCores = (cpuSeconds(pids.redis) - before.redis) / seconds;
    const dispatcherMebibytes = residentMebibytes(pids.dispatcher);
    const start = () => startDispatcher({ ...settingsOf(dir, services.redisUrl), ...env });
    const watch = { redis, progress, submit: () => add({ interactive: true }) };
    const second = await start();
    try {
      const afterStop = await takeOver(watch, second, () => services.workers[0]?.stop());
      const third = await start();
      try {
        const kill = async () => void second.kill('SIGKILL');
        const afterKill = await takeOver(watch, third, kill);
        return { jobs, dispatcherCores, redisCores, dispatcherMebibytes, afterStop, afterKill };
      } finally {
        await third.stop();
      }
    } finally {
      await second.stop();
    }
  } finally {
    redis.disconnect();
    await services.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** @param {Record<string, string>} env */
async function startDispatcher(env) {
  const main = join(repoRoot, 'apps/worker/dist/main.js');
  const dispatcher = startProcess(process.execPath, [main], { cwd: repoRoot, env });
  const isReady = async () => dispatcher.output().includes('worker ready');
  await waitUntilReady(dispatcher, 'another dispatcher', isReady, 60_000);
  return dispatcher;
}

/**
 * Ends the dispatcher, and waits until the next one has queued an image of a job that comes meanwhile.
 *
 * @param {{ redis: Redis, progress: import('@umbra/platform/redis/job-progress').JobProgressStore, submit: () => Promise<string> }} watch
 * @param {import('../scripts/lib/server.mjs').ServerProcess} next
 * @param {() => Promise<void> | undefined} end
 */
async function takeOver({ redis, progress, submit }, next, end) {
  const lock = `${redisPrefix}:${queueNames.dispatch}:dispatcher:lock`;
  const first = await redis.get(lock);
  const endedMs = performance.now();
  const ending = end();
  await until(async () => ![first, null].includes(await redis.get(lock)), 120_000);
  const takenMs = performance.now();
  const cpuBefore = cpuSeconds(next.pid ?? 0);
  const job = await submit();
  await until(async () => (await progress.listInFlight(job)).length > 0, 60_000);
  const queuedMs = performance.now();
  await ending;
  return {
    /** Until the next one has the lock: after a kill, an operator sets how long that takes. */
    lockSeconds: (takenMs - endedMs) / 1000,
    /** From then until an image is queued. */
    workSeconds: (queuedMs - takenMs) / 1000,
    workCpuSeconds: cpuSeconds(next.pid ?? 0) - cpuBefore,
  };
}

/**
 * @param {string} dir
 * @param {string} redisUrl
 */
const settingsOf = (dir, redisUrl) => ({
  REDIS_URL: redisUrl,
  UMBRA_STORE_DIR: join(dir, 'store'),
  UMBRA_CACHE_DIR: join(dir, 'cache'),
  UMBRA_INFERENCE_THREADS: '1',
});

/**
 * Submits a job on one photo, whose record the others copy.
 *
 * @param {string} url
 * @param {import('@umbra/platform/store/store').ObjectStore} store
 */
async function submitFirst(url, store) {
  const form = new FormData();
  const photo = readFileSync(join(repoRoot, 'samples/photos/coffee.jpg'));
  form.append('images', new Blob([photo]), 'photo.jpg');
  const made = await fetch(`${url}/v1/datasets`, { method: 'POST', body: form });
  const { id: dataset } = /** @type {{ id: string }} */ (await made.json());
  const response = await fetch(`${url}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ dataset, model: 'efficientnet-lite0' }),
  });
  const { id } = /** @type {{ id: string }} */ (await response.json());
  const record = JSON.parse((await store.get(keys.job(tenant, id))).toString());
  return /** @type {Record<string, unknown>} */ ({ ...record, state: 'queued', startedAt: null });
}

/**
 * @param {import('@umbra/platform/redis/job-progress').JobProgressStore} progress
 * @param {readonly string[]} ids
 */
async function startedCount(progress, ids) {
  const lives = await progress.readAll(ids);
  return lives.filter((live) => live.progress !== null).length;
}

/**
 * @param {() => Promise<boolean>} isSo
 * @param {number} limitMs
 */
async function until(isSo, limitMs) {
  for (const endMs = performance.now() + limitMs; performance.now() < endMs; ) {
    if (await isSo()) return;
    await sleep(20);
  }
  throw new Error(`Expected it within ${limitMs} ms`);
}

/** @param {Redis} redis */
async function pidOf(redis) {
  return Number(/process_id:(\d+)/.exec(await redis.info('server'))?.[1] ?? 0);
}

/** @param {number} pid */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** @param {number} pid */
function residentMebibytes(pid) {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1] ?? 0) / 1024;
}
