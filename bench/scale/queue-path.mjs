// What the queue itself can do: many images whose inference takes no time worth naming.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { queueNames, redisPrefix } from '@umbra/platform/queues/queues';
import { createWorkerRegistry } from '@umbra/platform/redis/worker-registry';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { findOnPath } from '../../scripts/lib/run.mjs';
import { startFleet } from './fleet.mjs';
import { readRedisUse } from './machine.mjs';
import { paintSquares } from './photos.mjs';
import { runJob, unseenSettings } from './run-job.mjs';

const model = 'tiny';
const watchedSeconds = 5;

/**
 * @typedef {object} QueuePath
 * @property {number} images
 * @property {number} dispatchPerSecond images that one dispatcher puts into the queue
 * @property {number} imagesPerSecond through one worker, results written, archive not counted
 * @property {number} archivePerSecond images
 * @property {number} redisCommands an image, those inside of scripts counted
 * @property {number} redisCpuSeconds an image
 * @property {number} idleCommandsPerSecond of one worker with nothing to do, which does not dispatch
 * @property {number} idleCpuShare of Redis's thread, for that worker
 * @property {number | null} redisBenchmarkPerSecond single commands, 50 clients; null where it is not installed
 */

/**
 * @param {{ quick: boolean, dir: string, report: (message: string) => void }} options
 * @returns {Promise<QueuePath>}
 */
export async function measureQueuePath({ quick, dir, report }) {
  const images = quick ? 200 : 600;
  const models = join(dir, 'models');
  mkdirSync(models, { recursive: true });
  const { writeTinyBundle } = await import('@umbra/engine/testing');
  await writeTinyBundle(models);
  const env = { UMBRA_MODELS_DIR: models, UMBRA_WINDOW_IMAGES: String(images) };
  const fleet = await startFleet({ dir, env });
  try {
    const dataset = await fleet.upload(
      await paintSquares({ dir: join(dir, 'squares'), count: images }),
    );
    // Redis looks after itself too: only what a worker adds to that is the worker's.
    const without = await watchIdle(fleet.redisUrl);
    const dispatchPerSecond = await timeDispatch(fleet, dataset.id, images);
    const rest = await timeWorker(fleet, dataset.id, images, without);
    const result = {
      ...{ images, dispatchPerSecond, ...rest },
      redisBenchmarkPerSecond: benchmarkRedis(fleet.redisUrl, quick ? 50_000 : 200_000),
    };
    report(
      `scale: the queue alone: ${dispatchPerSecond.toFixed(0)} images a second are dispatched, ${rest.imagesPerSecond.toFixed(0)} go through one worker; an image takes ${rest.redisCommands.toFixed(0)} commands and ${(1e6 * rest.redisCpuSeconds).toFixed(0)} us of Redis`,
    );
    return result;
  } finally {
    await fleet.stop();
  }
}

/**
 * How fast a job's shards come into the queue. A worker is announced that is not there: the dispatcher
 * queues as much as the fleet can take, and nobody takes it.
 *
 * @param {import('./fleet.mjs').Fleet} fleet
 * @param {string} dataset
 * @param {number} images
 */
async function timeDispatch(fleet, dataset, images) {
  const queue = new Queue(queueNames.shard, {
    connection: { url: fleet.redisUrl },
    prefix: redisPrefix,
  });
  const redis = new Redis(fleet.redisUrl);
  const announce = () =>
    createWorkerRegistry(redis).heartbeat({
      id: 'bench',
      formats: ['onnx'],
      inferenceThreads: images,
      backends: {},
    });
  await announce();
  const announcing = setInterval(announce, 3_000);
  const dispatcher = await fleet.startWorker({ env: { UMBRA_STEPS: 'dispatch' } });
  const { id } = await fleet.client.createJob({ dataset, model, settings: unseenSettings() });
  /** @type {{ atMs: number, queued: number }[]} */
  const seen = [];
  // Until all are there, or nothing more comes: a dispatcher may keep fewer in the queue than it is told to.
  for (let still = 0; still < 100 && (seen.at(-1)?.queued ?? 0) < images; await sleep(20)) {
    const queued = await queue.getJobCountByTypes('wait', 'prioritized', 'delayed');
    still = queued > 0 && queued === seen.at(-1)?.queued ? still + 1 : 0;
    if (queued > 0 && still === 0) seen.push({ atMs: performance.now(), queued });
    if (seen.length === 0 && still++ > 1_000) throw new Error('Expected shards to be queued');
  }
  await dispatcher.stop();
  clearInterval(announcing);
  await createWorkerRegistry(redis).leave('bench');
  redis.disconnect();
  await fleet.client.cancelJob(id);
  await queue.close();
  const [first, last] = [seen[0], seen.at(-1)];
  if (first === undefined || last === undefined || last === first) return Number.NaN;
  return ((last.queued - first.queued) * 1000) / (last.atMs - first.atMs);
}

/**
 * @param {string} redisUrl
 * @returns {Promise<number>} commands a second
 */
async function watchIdle(redisUrl) {
  const before = await readRedisUse(redisUrl);
  await sleep(watchedSeconds * 1000);
  const after = await readRedisUse(redisUrl);
  return (after.commands - before.commands) / watchedSeconds;
}

/**
 * @param {import('./fleet.mjs').Fleet} fleet
 * @param {string} dataset
 * @param {number} images
 * @param {number} without commands a second, without a worker
 */
async function timeWorker(fleet, dataset, images, without) {
  const first = await fleet.startWorker();
  // What was left in the queue is gone after it.
  await runJob(fleet, { dataset, images, model, settings: unseenSettings() });
  await first.stop();
  // Of a large fleet one dispatches, and all others do not.
  const one = await fleet.startWorker({ env: { UMBRA_STEPS: 'shard,merge' } });
  await sleep(1_000);
  const idle = await watchIdle(fleet.redisUrl);
  await one.stop();
  await fleet.startWorker();
  await runJob(fleet, { dataset, images, model, settings: unseenSettings() });
  const before = await readRedisUse(fleet.redisUrl);
  const run = await runJob(fleet, { dataset, images, model, settings: unseenSettings() });
  const after = await readRedisUse(fleet.redisUrl);
  const redisCommands = (after.commands - before.commands) / images;
  const redisCpuSeconds = (after.cpuSeconds - before.cpuSeconds) / images;
  const idleCommandsPerSecond = Math.max(0, idle - without);
  return {
    imagesPerSecond: images / (run.seconds - run.archiveSeconds),
    archivePerSecond: images / run.archiveSeconds,
    redisCommands,
    redisCpuSeconds,
    idleCommandsPerSecond,
    // At the price of a command under load: a few in a second are lost in what Redis does for itself.
    idleCpuShare: (idleCommandsPerSecond * redisCpuSeconds) / redisCommands,
  };
}

/**
 * What this Redis answers at most, by its own program: the slower of SET and GET.
 *
 * @param {string} url
 * @param {number} requests
 */
function benchmarkRedis(url, requests) {
  const program = findOnPath('redis-benchmark') ?? findOnPath('valkey-benchmark');
  if (program === undefined) return null;
  const args = ['-u', url, '-t', 'set,get', '-n', String(requests), '-c', '50', '--csv'];
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8' });
  const rates = stdout.split('\n').flatMap((line) => {
    const found = /^"(?:SET|GET)","([0-9.]+)"/.exec(line);
    return found === null ? [] : [Number(found[1])];
  });
  return status === 0 && rates.length === 2 ? Math.min(...rates) : null;
}
