import type { Remains } from '@umbra/datasets';
import type { ApartWork } from '@umbra/platform/redis/losses';
import type { ThroughputStore } from '@umbra/platform/redis/throughput';
import { measureRedis } from '@umbra/platform/telemetry/measure-redis';
import type { TenantUsage } from '@umbra/platform/telemetry/tenant-usage';
import type { FinalState } from '@umbra/shared/contracts/job';
import type { Redis } from 'ioredis';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { StepWork } from '../runtime/step.js';

/** Counts and times of a worker process. */
export type WorkerMetrics = {
  /** Record one run of a step; `again`: it was given back to the queue. */
  recordRun(step: string, outcome: 'done' | 'again' | 'failed', seconds: number): void;
  /**
   * Count what a run reports that it did.
   *
   * @param seconds How long the run took, in one inference thread if it is a shard's.
   */
  recordWork(work: StepWork, seconds: number): void;
  /** Count a failed attempt: a retry follows, or the queue job has failed for good. */
  recordFailure(step: string, isFinal: boolean): void;
  /** Count a queue job whose worker was lost. */
  recordStall(step: string): void;
  /** Count a process that ended at an image which ran apart. */
  recordApartDeath(work: ApartWork): void;
  recordJobEnd(state: FinalState): void;
  /** Count a look-up in the cache of prepared images. */
  recordLookup(result: 'hit' | 'miss'): void;
  /** Count what the sweep deleted of what a dead process left. */
  recordRemoval(kind: Remains['kind']): void;
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
  const series = openSeries(registry);
  series.inferenceThreads.set(inferenceThreads);
  const refresh = measureRedis(redis, registry);
  const recordShard = (
    tenant: string,
    { model, backend, computedPositions, reusedPositions }: NonNullable<StepWork['shard']>,
    seconds: number,
  ): void => {
    const { name } = model;
    series.positions.inc({ model: name, backend }, computedPositions);
    series.threadSeconds.inc({ model: name, backend }, seconds);
    usage.countPositions(tenant, computedPositions);
    if (reusedPositions > 0) series.reusedPositions.inc({ model: name }, reusedPositions);
    // Reused positions say nothing about the model's speed. A lost estimate must not fail finished work.
    if (computedPositions > 0) {
      throughput.record(model, seconds, computedPositions).catch(() => undefined);
    }
  };
  return {
    recordRun: (step, outcome, seconds) => series.stepSeconds.observe({ step, outcome }, seconds),
    recordWork({ tenant, shard, image }, seconds) {
      if (shard !== undefined) recordShard(tenant, shard, seconds);
      if (image === undefined) return;
      series.images.inc({ outcome: image });
      usage.countImage(tenant, image);
    },
    recordFailure: (step, isFinal) => (isFinal ? series.failures : series.retries).inc({ step }),
    recordStall: (step) => series.stalls.inc({ step }),
    recordApartDeath: (work) => series.apartDeaths.inc({ work }),
    recordJobEnd: (state) => series.jobs.inc({ state }),
    recordLookup: (result) => series.lookups.inc({ result }),
    recordRemoval: (kind) => series.removals.inc({ kind }),
    async refresh() {
      await refresh();
    },
  };
}

function openSeries(registry: Registry) {
  const registers = [registry];
  const counter = <T extends string>(name: string, help: string, labelNames: T[]) =>
    new Counter({ name, help, labelNames, registers });
  return {
    stepSeconds: new Histogram({
      name: 'umbra_step_seconds',
      help: 'Time of one run of a step; `shard` is the inference',
      labelNames: ['step', 'outcome'],
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160],
      registers,
    }),
    inferenceThreads: new Gauge({
      name: 'umbra_inference_threads',
      help: 'Inference threads for shards',
      registers,
    }),
    retries: counter('umbra_step_retries_total', 'Attempts that failed and are repeated', ['step']),
    failures: counter('umbra_step_failures_total', 'Queue jobs that failed for good', ['step']),
    stalls: counter('umbra_step_stalls_total', 'Queue jobs whose worker was lost', ['step']),
    apartDeaths: counter(
      'umbra_apart_deaths_total',
      'Processes that ended at an image which ran apart',
      ['work'],
    ),
    positions: counter('umbra_positions_total', 'Occluded positions run', ['model', 'backend']),
    threadSeconds: counter(
      'umbra_inference_thread_seconds_total',
      'Time of shards that gave a result',
      ['model', 'backend'],
    ),
    reusedPositions: counter(
      'umbra_reused_positions_total',
      'Positions taken from earlier runs of the same work',
      ['model'],
    ),
    images: counter('umbra_images_total', 'Images finished', ['outcome']),
    jobs: counter('umbra_jobs_total', 'Jobs that ended', ['state']),
    lookups: counter('umbra_image_cache_total', 'Prepared images asked for', ['result']),
    removals: counter(
      'umbra_remains_deleted_total',
      'Remains of dead processes that the sweep deleted',
      ['kind'],
    ),
  };
}
