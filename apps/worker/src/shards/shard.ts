import { encodeRows } from '@umbra/engine';
import { isOutage } from '@umbra/platform/faults';
import { type ShardPayload, shardPayload } from '@umbra/shared/contracts/shard';
import { hasCode, isRetryable, reportError } from '@umbra/shared/errors';
import { type Job, UnrecoverableError } from 'bullmq';
import { publishProgress } from '../jobs/publish-events.js';
import { giveBack } from '../runtime/give-back.js';
import { outlast } from '../runtime/outlast.js';
import type { StepResult } from '../runtime/step.js';
import { watchCancellation } from '../runtime/watch-cancellation.js';
import type { WorkerServices } from '../services.js';
import { storeLargeResult } from './large-results.js';
import { type ScoredShard, type ScoreServices, scoreRows } from './score-rows.js';

export type ShardServices = ScoreServices &
  Pick<WorkerServices, 'progress' | 'events' | 'shutdown'>;

/** Delay before asking again for rows that another worker has leased. */
const leasedMs = 300;

/**
 * Score some grid rows of one image. May run twice for the same rows: it gives the same numbers.
 *
 * A failure carries its report as JSON, which `parseFailure` reads in the merge.
 */
export async function runShard(
  services: ShardServices,
  job: Job,
  token: string,
): Promise<StepResult> {
  let result: StepResult | null;
  try {
    result = await scoreWatched(services, shardPayload.parse(job.data));
  } catch (error) {
    if (hasCode(error, 'cancelled') && services.shutdown.aborted) {
      // Given back, not failed: another worker runs it, and no attempt is used up.
      return giveBack(job, token);
    }
    if (isOutage(error)) throw error;
    const report = JSON.stringify(reportError(error));
    throw isRetryable(error) ? new Error(report, { cause: error }) : new UnrecoverableError(report);
  }
  return result ?? giveBack(job, token, leasedMs);
}

/** @returns null while another worker computes the same rows. */
async function scoreWatched(
  services: ShardServices,
  shard: ShardPayload,
): Promise<StepResult | null> {
  const watch = watchCancellation(services, shard.jobId);
  try {
    await watch.check();
    const scored = await scoreRows(services, shard, watch.signal);
    return scored === null
      ? null
      : await reportScored(services, shard, { ...scored, signal: watch.signal });
  } finally {
    watch.stop();
  }
}

async function reportScored(
  services: ShardServices,
  shard: ShardPayload,
  { rows, reusedPositions, signal }: ScoredShard & { readonly signal: AbortSignal },
): Promise<StepResult> {
  const { progress, logger } = services;
  const { tenant, jobId, item, model, rowStart, rowEnd } = shard;
  const { milliseconds, reused, provenance } = rows;
  const positions = rows.predictedClasses.length;
  const result = { ...rows, ...encodeRows(rows) };
  // What was computed is not thrown away for a store that is back in a moment.
  const value = await outlast(() => storeLargeResult(services, shard, result), signal);
  await progress.addPositions(jobId, positions).catch((reason: unknown) => {
    logger.warn({ jobId, error: reportError(reason) }, 'positions not counted');
  });
  await publishProgress(services, { tenant, id: jobId });
  logger.debug({ jobId, imageId: item.id, rowStart, rowEnd, milliseconds, reused }, 'shard scored');
  const backend = `${provenance.backend} ${provenance.device}`;
  const computedPositions = positions - reusedPositions;
  const work = { model: model.name, backend, computedPositions, reusedPositions };
  return { value, work: { tenant, shard: work } };
}
