import type { JobProgressStore } from '@umbra/platform/redis/job-progress';
import type { ThroughputStore } from '@umbra/platform/redis/throughput';
import { measureRedis } from '@umbra/platform/telemetry/measure-redis';
import type { TenantUsage } from '@umbra/platform/telemetry/tenant-usage';
import { isFinal } from '@umbra/shared/contracts/job';
import { DelayedError, type Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { PublishJobState } from '../jobs/announce.js';
import type { Step } from '../runtime/consume.js';
import type { ModelCache } from '../runtime/model-cache.js';

/** What a worker tells of itself. */
export type WorkerMetrics = {
  /** Time every run of a step, and count what became of it. */
  measureStep(step: Step): Step;
  /** Count positions, and keep the pace of their model. */
  measureShards(step: Step): Step;
  /** Count images that this step finished. */
  countImages(step: Step): Step;
  /** Count positions that were taken from an earlier run. */
  countReused(model: string, positions: number): void;
  countAttempts(worker: Worker, step: string): void;
  /** Count jobs that end, by how. */
  countEnds(publishJobState: PublishJobState): PublishJobState;
  measureModelCache(modelCache: ModelCache): ModelCache;
  refresh(): Promise<void>;
};

export type WorkerMetricsOptions = {
  readonly registry: Registry;
  readonly redis: Redis;
  readonly throughput: ThroughputStore;
  readonly usage: TenantUsage;
  /** Inference threads that run shards here. */
  readonly inferenceThreads: number;
};

export function createWorkerMetrics(options: WorkerMetricsOptions): WorkerMetrics {
  const { registry, redis, throughput, usage, inferenceThreads } = options;
  const registers = [registry];
  const stepSeconds = new Histogram({
    name: 'umbra_step_seconds',
    help: 'Time of one run of a step; `shard` is the inference',
    labelNames: ['step', 'outcome'],
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160],
    registers,
  });
  const counter = <T extends string>(name: string, help: string, labelNames: T[]) =>
    new Counter({ name, help, labelNames, registers });
  const retries = counter('umbra_step_retries_total', 'Attempts that failed and are repeated', [
    'step',
  ]);
  const failures = counter('umbra_step_failures_total', 'Queue jobs that failed for good', [
    'step',
  ]);
  const stalls = counter('umbra_step_stalls_total', 'Queue jobs whose worker was lost', ['step']);
  const positions = counter('umbra_positions_total', 'Occluded positions run', [
    'model',
    'backend',
  ]);
  const threadSeconds = counter('umbra_lane_seconds_total', 'Time of shards that gave a result', [
    'model',
    'backend',
  ]);
  const reused = counter(
    'umbra_reused_positions_total',
    'Positions taken from earlier runs of the same work',
    ['model'],
  );
  const images = counter('umbra_images_total', 'Images finished', ['outcome']);
  const jobs = counter('umbra_jobs_total', 'Jobs that ended', ['state']);
  const lookups = counter('umbra_image_cache_total', 'Prepared images asked for', ['result']);
  new Gauge({
    name: 'umbra_inference_threads',
    help: 'Inference threads for shards',
    registers,
  }).set(inferenceThreads);
  const askRedis = measureRedis(redis, registry);

  return {
    measureStep: (step) => ({
      ...step,
      async run(services, job, token) {
        const end = stepSeconds.startTimer({ step: step.name });
        try {
          const result = await step.run(services, job, token);
          end({ outcome: 'done' });
          return result;
        } catch (error) {
          end({ outcome: error instanceof DelayedError ? 'again' : 'failed' });
          throw error;
        }
      },
    }),
    measureShards: (step) => ({
      ...step,
      async run(services, job, token) {
        const start = performance.now();
        let done = 0;
        const addPositions = async (jobId: string, count: number): Promise<void> => {
          await services.progress.addPositions(jobId, count);
          done += count;
        };
        const progress = { ...services.progress, addPositions };
        // What was not run says nothing of the model's pace.
        const countReused = (model: string, count: number): void => {
          services.metrics.countReused(model, count);
          done -= count;
        };
        const metrics = { ...services.metrics, countReused };
        const result = await step.run({ ...services, progress, metrics }, job, token);
        const { model, backend } = labelsOf(job.data, result);
        const seconds = (performance.now() - start) / 1000;
        positions.inc({ model, backend }, done);
        usage.countPositions(tenantOf(job.data), done);
        threadSeconds.inc({ model, backend }, seconds);
        // An estimate that is late is no reason to fail work that is done.
        if (done > 0) throughput.record(model, seconds, done).catch(() => undefined);
        return result;
      },
    }),
    countImages(step) {
      const counting = (progress: JobProgressStore, tenant: string): JobProgressStore => ({
        ...progress,
        async finishImage(jobId, index, outcome) {
          const isFirst = await progress.finishImage(jobId, index, outcome);
          if (isFirst) {
            images.inc({ outcome });
            usage.countImage(tenant, outcome);
          }
          return isFirst;
        },
      });
      const { run, giveUp } = step;
      return {
        ...step,
        run: (services, job, token) =>
          run(
            { ...services, progress: counting(services.progress, tenantOf(job.data)) },
            job,
            token,
          ),
        ...(giveUp && {
          giveUp: (services, job, error) =>
            giveUp(
              { ...services, progress: counting(services.progress, tenantOf(job.data)) },
              job,
              error,
            ),
        }),
      };
    },
    countReused(model, count) {
      reused.inc({ model }, count);
    },
    countAttempts(worker, step) {
      worker.on('failed', (job) => {
        (job?.finishedOn === undefined ? retries : failures).inc({ step });
      });
      worker.on('stalled', () => stalls.inc({ step }));
    },
    countEnds: (publishJobState) => async (tenant, job) => {
      if (isFinal(job.state)) jobs.inc({ state: job.state });
      await publishJobState(tenant, job);
    },
    measureModelCache: (modelCache) => ({
      ...modelCache,
      prepare(sha256, model, read) {
        let result = 'hit';
        const input = modelCache.prepare(sha256, model, () => {
          result = 'miss';
          return read();
        });
        lookups.inc({ result });
        return input;
      },
    }),
    async refresh() {
      await askRedis();
    },
  };
}

/** Written by our own steps, perhaps of another version. */
function tenantOf(work: unknown): string {
  const { tenant } = (work ?? {}) as { tenant?: unknown };
  return typeof tenant === 'string' ? tenant : 'unknown';
}

/** Written by our own steps; metrics must not be what fails on another version's. */
function labelsOf(work: unknown, result: unknown): { model: string; backend: string } {
  const { model } = (work ?? {}) as { model?: { name?: string } };
  const { provenance } = (result ?? {}) as { provenance?: { backend?: string; device?: string } };
  const { backend = 'unknown', device = 'unknown' } = provenance ?? {};
  return { model: model?.name ?? 'unknown', backend: `${backend} ${device}` };
}
