// How long the report of a job takes whose results are in the store, and how much memory: a worker of its own that
// takes no other step. The floors are those of docs/report.md: 60 s and 512 MiB for 10,000 images.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readVerifiedBundle } from '@umbra/engine';
import { writeTinyBundle } from '@umbra/engine/testing';
import { enqueueReport } from '@umbra/platform/queues/enqueue';
import { queueNames, queueOptions } from '@umbra/platform/queues/names';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { publishModel } from '@umbra/platform/store/models';
import { readReportStatus, requestReport } from '@umbra/platform/store/reports';
import { reportRequest } from '@umbra/shared/contracts/report';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { startRedis } from '../scripts/lib/redis.mjs';
import { repoRoot } from '../scripts/lib/run.mjs';
import { startProcess, waitUntilReady } from '../scripts/lib/server.mjs';
import { writeResults } from './report/write-results.mjs';
import { cpuSecondsOf } from './scale/machine.mjs';

const pollMs = 50;
const timeoutMs = 1_800_000;
const forecastImages = 1_000_000;

/**
 * @param {{ quick: boolean, images?: number | undefined, report: (message: string) => void }} options
 */
export async function benchReport({ quick, images: wanted, report: say }) {
  const images = wanted ?? (quick ? 2_000 : 10_000);
  const dir = mkdtempSync(join(tmpdir(), 'umbra-bench-'));
  const folder = join(dir, 'store');
  const redis = await startRedis({ dir: join(dir, 'redis') });
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
  const queue = new Queue(queueNames.report, { connection, ...queueOptions });
  const worker = startProcess(
    process.execPath,
    [join(repoRoot, 'apps', 'worker', 'dist', 'main.js')],
    {
      env: {
        REDIS_URL: redis.url,
        UMBRA_STORE_DIR: folder,
        UMBRA_CACHE_DIR: join(dir, 'cache'),
        UMBRA_STEPS: 'report',
        UMBRA_INFERENCE_THREADS: '2',
      },
    },
  );
  try {
    const store = createFsStore(folder);
    const bundle = await writeTinyBundle(dir, { name: 'tiny', size: 224, classes: 10 });
    const model = await publishModel(store, bundle, await readVerifiedBundle(bundle));
    const job = await writeResults({ store, folder, bundle, images, model });
    say(`${images} results written`);
    await waitUntilReady(
      worker,
      'a worker',
      async () => worker.output().includes('worker ready'),
      60_000,
    );
    const reference = { tenant: defaultTenant, id: job };
    /** @param {Partial<import('@umbra/shared/contracts/report').ReportRequest>} request */
    const write = async (request) => {
      await requestReport(store, reference, reportRequest.parse(request));
      const [beganMs, cpuBefore] = [performance.now(), cpuSecondsOf(worker.pid)];
      await enqueueReport(queue, reference);
      const stages = await watchStages(store, reference, beganMs);
      const seconds = (performance.now() - beganMs) / 1000;
      const cpuSeconds = cpuSecondsOf(worker.pid) - cpuBefore;
      return { seconds, cpuSeconds, stages, peakBytes: peakBytes(worker.pid) };
    };
    const first = await write({});
    say(`report of ${images} images: ${describe(first)}`);
    const again = await write({});
    say(`once more, from kept evidence: ${describe(again)}`);
    const parts = { evidence: first.stages.evidence ?? 0, tables: first.stages.tables ?? 0 };
    // Patches and checks are as many for any number of images.
    const seconds =
      ((parts.evidence + parts.tables) * forecastImages) / images +
      (first.stages.patches ?? 0) +
      (first.stages.checks ?? 0);
    say(`forecast for ${forecastImages} images: ${(seconds / 60).toFixed(0)} min`);
    const sizes = {
      report: (await store.head(keys.report(defaultTenant, job)))?.bytes,
      table: (await store.head(keys.reportTable(defaultTenant, job)))?.bytes,
    };
    const machine = { cores: cpus().length, model: cpus()[0]?.model ?? 'unknown' };
    return { images, machine, first, again, sizes, forecast: { images: forecastImages, seconds } };
  } finally {
    await worker.stop();
    await queue.close();
    connection.disconnect();
    await redis.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** @param {{ seconds: number, cpuSeconds: number, stages: Record<string, number>, peakBytes: number }} measured */
function describe({ seconds, cpuSeconds, stages, peakBytes }) {
  const each = Object.entries(stages).map(([stage, took]) => `${stage} ${took.toFixed(1)} s`);
  const cpu = `CPU ${cpuSeconds.toFixed(1)} s`;
  return `${seconds.toFixed(1)} s (${each.join(', ')}), ${cpu}, ${(peakBytes / 2 ** 20).toFixed(0)} MiB at most`;
}

/**
 * @param {import('@umbra/platform/store/store').ObjectStore} store
 * @param {{ tenant: string, id: string }} job
 * @param {number} beganMs
 * @returns {Promise<Record<string, number>>} seconds of each stage
 */
async function watchStages(store, job, beganMs) {
  const seconds = /** @type {Record<string, number>} */ ({});
  let lastMs = beganMs;
  for (;;) {
    const status = await readReportStatus(store, job);
    if (status?.state === 'failed') throw new Error(`The report failed: ${status.error?.message}`);
    const now = performance.now();
    const stage = status?.stage ?? 'queue';
    seconds[stage] = (seconds[stage] ?? 0) + (now - lastMs) / 1000;
    lastMs = now;
    if (status?.state === 'completed') return seconds;
    if (now - beganMs > timeoutMs) throw new Error(`Expected a report within ${timeoutMs} ms`);
    await sleep(pollMs);
  }
}

/** @param {number | undefined} pid The most that was resident so far, bytes. */
function peakBytes(pid) {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(text)?.[1] ?? 0) * 1024;
}
