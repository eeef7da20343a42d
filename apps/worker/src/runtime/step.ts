import type { ModelReference } from '@umbra/shared/contracts/reference';
import type { Job } from 'bullmq';

/** The work that one run of a step completed; `WorkerMetrics.recordWork` counts it. */
export type StepWork = {
  readonly tenant: string;
  readonly shard?: ShardWork;
  readonly image?: 'completed' | 'failed';
};

/** Positions that a run of the shard step scored. */
export type ShardWork = {
  readonly model: Pick<ModelReference, 'name' | 'digest'>;
  /** Backend and device that computed the positions. */
  readonly backend: string;
  readonly computedPositions: number;
  /** Positions taken from an earlier run of the same work. */
  readonly reusedPositions: number;
};

export type StepResult = {
  /** Stored by BullMQ as the queue job's return value. */
  readonly value?: unknown;
  readonly work?: StepWork;
};

/** The consumer of one queue. */
export type QueueStep = {
  /** Name of the queue. */
  readonly name: string;
  /** Queue jobs that run at once. */
  readonly concurrency: number;
  /** Workers that may be lost at a queue job before it fails for good. */
  readonly maxLosses?: number;
  /** @param token Identifies the lock that this process holds on the queue job. */
  run(job: Job, token: string): Promise<StepResult>;
  /** Tell others of a return value once BullMQ has stored it. Never rejects. */
  onStored?(job: Job, value: unknown): Promise<void>;
  /**
   * Record the failure of a queue job that has failed for good, where `run` could not: its workers
   * died.
   */
  giveUp?(job: Job, error: Error): Promise<StepResult>;
};
