// A worker without an engine, for measuring the queue alone: its shards and merges do only what the queue and the
// progress of a job require. It produces no results and is used only in the benchmark of the queue.

import { queueNames, redisPrefix } from '@umbra/platform/queues/names';
import { createJobProgressStore } from '@umbra/platform/redis/job-progress';
import { createWorkerRegistry } from '@umbra/platform/redis/worker-registry';
import { imageIndexOf } from '@umbra/shared/ids';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { stubRow } from './rows/stub-row.mjs';

const redis = new Redis(process.env.REDIS_URL ?? '', { maxRetriesPerRequest: null });
const inferenceThreads = Number(process.env.STUB_INFERENCE_THREADS ?? 64);
const progress = createJobProgressStore(redis);
const workerRegistry = createWorkerRegistry(redis);
const notice = {
  id: `stub-${process.pid}`,
  formats: ['onnx'],
  inferenceThreads,
  backends: { onnx: 'stub' },
};
const heartbeat = () => workerRegistry.heartbeat(/** @type {any} */ (notice));
await heartbeat();
setInterval(heartbeat, 3_000);

const options = { connection: redis, prefix: redisPrefix, concurrency: inferenceThreads };
const shards = new Worker(queueNames.shard, async () => null, options);
const merges = new Worker(
  queueNames.merge,
  async ({ data: { jobId, item, attempt } }) => {
    const row = JSON.stringify(stubRow(item.id, attempt));
    await progress.finishImage(jobId, imageIndexOf(item.id), 'completed', row);
  },
  options,
);
await Promise.all([shards.waitUntilReady(), merges.waitUntilReady()]);
process.stderr.write('stub ready\n');
process.once('SIGTERM', async () => {
  await Promise.all([shards.close(), merges.close()]);
  process.exit(0);
});
