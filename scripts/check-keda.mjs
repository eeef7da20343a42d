// `npm run check:keda`: evaluates the query that scales workers in a real Prometheus that scrapes a running service:
// idle, with a burst of work before the first measurement, with one after it, and while the queue drains.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { reportCounts } from './lib/counts.mjs';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { ensurePrometheus } from './lib/ops-tools.mjs';
import { startPrometheus } from './lib/prometheus.mjs';
import { CommandError, freePort, repoRoot, runMain, step } from './lib/run.mjs';
import { startProcess, waitUntilReady } from './lib/server.mjs';
import { startServices } from './lib/services.mjs';

/** @typedef {{ query: string, threshold: number, min: number, max: number }} Scaler */

const photos = 32;
/** Positions on the tiny model's 32 px: the job must be long enough to be seen while it drains. */
const settings = { patch: 4, stride: 1, edge: 'valid' };
const positionsPerPhoto = 29 * 29;
/** Seconds per position of a model that is not measured yet; the API has the same number. */
const assumedSeconds = 0.02;
let expectationsMet = 0;

await runMain(async () => {
  const prometheus = await ensurePrometheus('prometheus');
  await ensureInstalled();
  await ensureBuilt();
  const dir = mkdtempSync(join(tmpdir(), 'umbra-keda-'));
  /** @type {(() => Promise<void>)[]} */
  const stops = [];
  try {
    await checkScaling(dir, prometheus, stops);
  } finally {
    for (const stop of stops.reverse()) await stop();
    rmSync(dir, { recursive: true, force: true });
  }
  reportCounts('check:keda', { passed: expectationsMet, failed: 0, skipped: 0 });
  return 0;
});

/**
 * @param {string} dir
 * @param {string} prometheus
 * @param {(() => Promise<void>)[]} stops
 */
async function checkScaling(dir, prometheus, stops) {
  const { writeTinyBundle } = await import('@umbra/engine/testing');
  const models = join(dir, 'models');
  mkdirSync(models);
  await writeTinyBundle(models);
  const metricsPort = String(await freePort());
  const env = { UMBRA_MODELS_DIR: models, UMBRA_METRICS_PORT: metricsPort };
  const services = await startServices({ dir, workers: 0, env });
  stops.push(services.stop);
  const { query, stop } = await startPrometheus({ binary: prometheus, dir, metricsPort });
  stops.push(stop);
  const cpu = readScaler('cpu');
  const nvidia = readScaler('nvidia');
  if (cpu.query !== nvidia.query) throw new CommandError('Expected one query for both kinds', 1);
  const queued = () => query(cpu.query);

  const idle = await until('an idle queue', queued, (value) => value === 0);
  expectReplicas('idle', cpu, idle, cpu.min);
  expectReplicas('idle', nvidia, idle, 0);

  const dataset = await uploadPhotos(services.url);
  const first = await submit(services.url, dataset);
  const work = photos * positionsPerPhoto * assumedSeconds;
  const burst = await until('the burst', queued, (value) => value > 0);
  if (Math.abs(burst - work) > 1e-6) {
    throw new CommandError(`Expected ${work} s of queued work, got ${burst}`, 1);
  }
  expectReplicas('burst, not measured', cpu, burst, Math.ceil(work / cpu.threshold));

  const worker = await startWorker(dir, services.redisUrl, models);
  const drain = await drained(queued);
  await untilCompleted(services.url, first);
  await worker.stop();
  for (const [index, value] of drain.entries()) {
    const before = drain[index - 1] ?? burst;
    if (value > before) throw new CommandError(`Expected the work to shrink, got ${drain}`, 1);
  }
  expectReplicas('drained', cpu, drain.at(-1) ?? Number.NaN, cpu.min);
  expectReplicas('drained', nvidia, drain.at(-1) ?? Number.NaN, 0);

  await submit(services.url, dataset);
  const secondsPerPosition = await until(
    'a measured throughput',
    () => query('max(umbra_position_seconds{model="tiny"})'),
    (value) => value > 0,
  );
  const measured = await until('the second burst', queued, (value) => value > 0);
  const expected = photos * positionsPerPhoto * secondsPerPosition;
  if (Math.abs(measured - expected) > expected * 1e-6) {
    throw new CommandError(`Expected ${expected} s of queued work, got ${measured}`, 1);
  }
  // The tiny model is fast: a proportionally smaller threshold gives as many workers.
  const scaled = { ...cpu, threshold: expected / 6.5 };
  expectReplicas('burst, measured', scaled, measured, 7);
  expectReplicas('burst beyond the max', { ...scaled, max: 5 }, measured, 5);
}

/**
 * Checks the replicas that KEDA and its autoscaler request: none below the activation threshold if min is 0, otherwise
 * the work divided by the threshold, rounded up.
 *
 * @param {string} when
 * @param {Scaler} scaler
 * @param {number} value
 * @param {number} expected
 */
function expectReplicas(when, scaler, value, expected) {
  const { threshold, min, max } = scaler;
  const wanted = Math.min(
    max,
    Math.max(value > 0 ? Math.max(1, min) : min, Math.ceil(value / threshold)),
  );
  if (wanted !== expected) {
    throw new CommandError(
      `${when}: expected ${expected} replicas for ${value} s, got ${wanted}`,
      1,
    );
  }
  expectationsMet += 1;
  step(`${when}: ${value.toFixed(2)} s at ${threshold.toFixed(2)} s each: ${wanted} replicas`);
}

/**
 * @param {string} overlay
 * @returns {Scaler}
 */
function readScaler(overlay) {
  const text = readFileSync(
    join(repoRoot, 'k8s', 'overlays', overlay, 'scaled-object.yaml'),
    'utf8',
  );
  /** @param {string} name */
  const field = (name) => {
    const found = new RegExp(`^\\s*${name}: "?([^"\\n]+)"?$`, 'm').exec(text)?.[1];
    if (found === undefined) throw new CommandError(`Expected ${overlay} to have ${name}`, 1);
    return found;
  };
  return {
    query: field('query'),
    threshold: Number(field('threshold')),
    min: Number(field('minReplicaCount')),
    max: Number(field('maxReplicaCount')),
  };
}

/**
 * @param {string} what
 * @param {() => Promise<number>} read
 * @param {(value: number) => boolean} isExpected
 */
async function until(what, read, isExpected) {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(100)) {
    const value = await read();
    if (isExpected(value)) return value;
  }
  throw new CommandError(`Expected ${what} within 30 s`, 1);
}

/**
 * @param {() => Promise<number>} read
 * @returns {Promise<number[]>} seconds of queued work over time, until the queue was empty
 */
async function drained(read) {
  /** @type {number[]} */
  const values = [];
  await until(
    'the queue to drain',
    async () => {
      const value = await read();
      values.push(value);
      return value;
    },
    (value) => value === 0,
  );
  return values;
}

/**
 * @param {string} dir
 * @param {string} redisUrl
 * @param {string} models
 */
async function startWorker(dir, redisUrl, models) {
  const worker = startProcess(
    process.execPath,
    [join(repoRoot, 'apps', 'worker', 'dist', 'main.js')],
    {
      cwd: repoRoot,
      env: {
        REDIS_URL: redisUrl,
        UMBRA_STORE_DIR: join(dir, 'store'),
        UMBRA_CACHE_DIR: join(dir, 'cache'),
        UMBRA_MODELS_DIR: models,
      },
    },
  );
  await waitUntilReady(
    worker,
    'a worker',
    async () => worker.output().includes('worker ready'),
    30_000,
  );
  return worker;
}

/** @param {string} url */
async function uploadPhotos(url) {
  const { default: sharp } = await import('sharp');
  const form = new FormData();
  for (let index = 0; index < photos; index++) {
    const background = { r: index * 7, g: 90, b: 9 };
    const blank = sharp({ create: { width: 32, height: 32, channels: 3, background } });
    const bytes = await blank.png().toBuffer();
    form.append('images', new Blob([new Uint8Array(bytes)]), `${index}.png`);
  }
  const response = await fetch(`${url}/v1/datasets`, { method: 'POST', body: form });
  return /** @type {{ id: string }} */ (await readJson(response)).id;
}

/**
 * @param {string} url
 * @param {string} dataset
 */
async function submit(url, dataset) {
  const response = await fetch(`${url}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ dataset, model: 'tiny', settings }),
  });
  return /** @type {{ id: string }} */ (await readJson(response)).id;
}

/**
 * @param {string} url
 * @param {string} id
 */
async function untilCompleted(url, id) {
  const isCompleted = async () => {
    const job = /** @type {{ state: string }} */ (
      await readJson(await fetch(`${url}/v1/jobs/${id}`))
    );
    return job.state === 'completed' ? 1 : 0;
  };
  await until('the job to end', isCompleted, Boolean);
}

/** @param {Response} response */
async function readJson(response) {
  const text = await response.text();
  if (!response.ok) throw new CommandError(`Expected a success, got ${response.status} ${text}`, 1);
  return JSON.parse(text);
}
