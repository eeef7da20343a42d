// Throughput of the queue itself: many images whose inference time is negligible.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { queueNames, redisPrefix } from '@umbra/platform/queues/names';
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
 * @property {number} dispatchPerSecond images that one dispatcher adds to the queue
 * @property {number} imagesPerSecond images through one worker, with results written, without the archive
 * @property {number} archivePerSecond images
 * @property {number} redisCommands commands for each image, including those inside of scripts
 * @property {number} redisCpuSeconds CPU time for each image
 * @property {number} idleCommandsPerSecond commands of one idle worker, which does not dispatch
 * @property {number} idleCpuShare share of Redis's thread for that worker
 * @property {number | null} redisBenchmarkPerSecond single commands, 50 clients; null if redis-benchmark is not
 *   installed
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
    // Redis has a load of its own: only the increase belongs to the worker.
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
 * Measures how fast a job's shards enter the queue. The registry lists a worker that does not exist: the dispatcher
 * queues as much as the fleet can take, and no worker takes it.
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
  const sendHeartbeat = () =>
    createWorkerRegistry(redis).heartbeat({
      id: 'bench',
      formats: ['onnx'],
      inferenceThreads: images,
      backends: {},
    });
  await sendHeartbeat();
  const heartbeats = setInterval(sendHeartbeat, 3_000);
  const dispatcher = await fleet.startWorker({ env: { UMBRA_STEPS: 'dispatch' } });
  const { id } = await fleet.client.createJob({ dataset, model, settings: unseenSettings() });
  /** @type {{ atMs: number, queued: number }[]} */
  const seen = [];
  // Until all are queued, or no more arrive: a dispatcher may keep fewer in the queue than its window.
  for (let still = 0; still < 100 && (seen.at(-1)?.queued ?? 0) < images; await sleep(20)) {
    const queued = await queue.getJobCountByTypes('wait', 'prioritized', 'delayed');
    still = queued > 0 && queued === seen.at(-1)?.queued ? still + 1 : 0;
    if (queued > 0 && still === 0) seen.push({ atMs: performance.now(), queued });
    if (seen.length === 0 && still++ > 1_000) throw new Error('Expected shards to be queued');
  }
  await dispatcher.stop();
  clearInterval(heartbeats);
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
  // The job also empties the queue.
  await runJob(fleet, { dataset, images, model, settings: unseenSettings() });
  await first.stop();
  // In a large fleet one worker dispatches, and the others do not.
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
    // At the cost of a command under load: a few commands a second cannot be measured beside Redis's own load.
    idleCpuShare: (idleCommandsPerSecond * redisCpuSeconds) / redisCommands,
  };
}

/**
 * Measures the max command rate of this Redis with its own program: the slower of SET and GET.
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
