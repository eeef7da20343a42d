// The same job on one worker process and on two, each pinned to a core of its own.
import { join } from 'node:path';
import { canPin, countCores, machineCpuSeconds, medianOf } from './machine.mjs';
import { sumOf } from './metrics.mjs';
import { cutPhotos } from './photos.mjs';
import { runJob, unseenSettings } from './run-job.mjs';

const model = 'efficientnet-lite0';

/**
 * @typedef {object} Measured cost of a job, for each image
 * @property {number} imageSeconds wall time of one worker
 * @property {number} shardSeconds time of a thread
 * @property {number} mergeSeconds
 * @property {number} archiveSeconds
 * @property {number} storeReads of the workers
 * @property {number} storeWrites
 */

/**
 * @param {{ root: string, quick: boolean, report: (message: string) => void,
 *   fleet: import('./fleet.mjs').Fleet, dir: string }} options
 */
export async function measureEfficiency({ root, quick, report, fleet, dir }) {
  const count = quick ? 16 : 64;
  const photos = await cutPhotos({ root, dir: join(dir, 'photos'), count });
  const dataset = await fleet.upload(photos);
  const warm = await fleet.upload(photos.slice(0, 4));
  // In turns, so that other load on the machine affects both.
  const order = quick ? [1, 2] : [1, 2, 1, 2];
  /** @type {Record<number, number[]>} */
  const seconds = { 1: [], 2: [] };
  const runs = [];
  /** @type {Measured[]} */
  const measured = [];
  for (const workers of order) {
    const run = await timeJob(fleet, { workers, dataset: dataset.id, warm: warm.id, count });
    seconds[workers]?.push(run.seconds);
    runs.push({
      workers,
      seconds: run.seconds,
      cpuSecondsPerImage: run.cpuSeconds,
      othersShare: run.othersShare,
    });
    if (workers === 1) measured.unshift(run.measured);
    report(
      `scale: ${count} photos on ${workers} pinned: ${run.seconds.toFixed(1)} s; others had ${(100 * run.othersShare).toFixed(0)} % of the machine`,
    );
  }
  const one = medianOf(seconds[1] ?? []);
  const two = medianOf(seconds[2] ?? []);
  const result = {
    photos: count,
    cores: countCores(),
    pinned: canPin(),
    oneWorkerSeconds: one,
    twoWorkersSeconds: two,
    runs,
    speedup: one / two,
    efficiency: one / two / 2,
  };
  report(`scale: two workers are ${result.speedup.toFixed(3)} times as fast as one`);
  return { ...result, measured: /** @type {Measured} */ (measured[0]) };
}

/**
 * @param {import('./fleet.mjs').Fleet} fleet
 * @param {{ workers: number, dataset: string, warm: string, count: number }} options
 */
async function timeJob(fleet, { workers, dataset, warm, count }) {
  const started = await Promise.all(
    Array.from({ length: workers }, (_, core) => fleet.startWorker({ core })),
  );
  try {
    // Every worker loads the model first, as in a running service.
    await runJob(fleet, { dataset: warm, images: 4, model, settings: unseenSettings() });
    const before = await readAll(started);
    const cpuBefore = cpuOf(fleet, started);
    const run = await runJob(fleet, { dataset, images: count, model, settings: unseenSettings() });
    const after = await readAll(started);
    const cpu = cpuOf(fleet, started);
    const ours = cpu.ours - cpuBefore.ours;
    const others = cpu.all - cpuBefore.all - ours;
    /** @param {string} name @param {Record<string, string>} [labels] */
    const perImage = (name, labels) =>
      (sumOf(after, name, labels) - sumOf(before, name, labels)) / count;
    /** @param {readonly string[]} operations */
    const storeCalls = (operations) =>
      operations.reduce(
        (sum, operation) => sum + perImage('umbra_store_operation_seconds_count', { operation }),
        0,
      );
    return {
      seconds: run.seconds,
      cpuSeconds: ours / count,
      othersShare: others / (run.seconds * countCores()),
      measured: {
        imageSeconds: ((run.seconds - run.archiveSeconds) * workers) / count,
        shardSeconds: perImage('umbra_step_seconds_sum', { step: 'shard', outcome: 'done' }),
        mergeSeconds: perImage('umbra_step_seconds_sum', { step: 'merge', outcome: 'done' }),
        archiveSeconds: run.archiveSeconds / count,
        storeReads: storeCalls(['get', 'stream', 'head']),
        storeWrites: storeCalls(['put', 'put_stream', 'delete']),
      },
    };
  } finally {
    await Promise.all(started.map((worker) => worker.stop()));
  }
}

/**
 * @param {import('./fleet.mjs').Fleet} fleet
 * @param {readonly import('./fleet.mjs').PinnedWorker[]} workers
 */
function cpuOf(fleet, workers) {
  const ours = workers.reduce((sum, worker) => sum + worker.cpuSeconds(), fleet.apiCpuSeconds());
  return { ours, all: machineCpuSeconds() };
}

/** @param {readonly import('./fleet.mjs').PinnedWorker[]} workers */
async function readAll(workers) {
  return (await Promise.all(workers.map((worker) => worker.metrics()))).flat();
}
