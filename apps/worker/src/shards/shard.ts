import { encodeRows } from '@umbra/engine';
import { type ShardPayload, type ShardReturn, shardPayload } from '@umbra/shared/contracts/shard';
import { hasCode, isRetryable, reportError } from '@umbra/shared/errors';
import { DelayedError, type Job, UnrecoverableError } from 'bullmq';
import { publishProgress } from '../jobs/announce.js';
import { watchCancellation } from '../runtime/watch-cancellation.js';
import type { WorkerServices } from '../services.js';
import { storeLargeResult } from './large-results.js';
import { scoreRows } from './score-rows.js';

/**
 * Score some grid rows of one image. May run twice for the same rows: it gives the same numbers.
 *
 * A failure carries its report as JSON, so that the merge can say what went wrong.
 */
export async function runShard(
  services: WorkerServices,
  job: Job,
  token?: string,
): Promise<ShardReturn> {
  let returned: ShardReturn | null;
  try {
    returned = await scoreWatched(services, shardPayload.parse(job.data));
  } catch (error) {
    if (hasCode(error, 'cancelled') && services.shutdown.aborted) {
      // Given back, not failed: another worker runs it, and no attempt is used up.
      await job.moveToDelayed(Date.now(), token);
      throw new DelayedError();
    }
    const report = JSON.stringify(reportError(error));
    throw isRetryable(error) ? new Error(report, { cause: error }) : new UnrecoverableError(report);
  }
  if (returned !== null) return returned;
  await job.moveToDelayed(Date.now() + leasedMs, token);
  throw new DelayedError();
}

/** How soon to ask again for rows that somebody else computes. */
const leasedMs = 300;

/** @returns null while somebody else computes the same rows. */
async function scoreWatched(
  services: WorkerServices,
  shard: ShardPayload,
): Promise<ShardReturn | null> {
  const { tenant, jobId, item, rowStart, rowEnd } = shard;
  const watch = watchCancellation(services, jobId);
  try {
    await watch.check();
    const rows = await scoreRows(services, shard, watch.signal);
    if (rows === null) return null;
    const { milliseconds, reused } = rows;
    const returned = await storeLargeResult(services, shard, { ...rows, ...encodeRows(rows) });
    await services.progress.addPositions(jobId, rows.predictedClasses.length);
    await publishProgress(services, tenant, jobId);
    services.logger.debug(
      { jobId, imageId: item.id, rowStart, rowEnd, milliseconds, reused },
      'shard scored',
    );
    return returned;
  } finally {
    watch.stop();
  }
}
