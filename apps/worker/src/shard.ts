import { encodeFloats, encodeInts } from '@umbra/engine';
import {
  hasCode,
  reportError,
  type ShardPayload,
  type ShardResult,
  shardPayload,
} from '@umbra/shared';
import { DelayedError, type Job, UnrecoverableError } from 'bullmq';
import { tellProgress } from './announce.js';
import type { Context } from './context.js';
import { readImage } from './read-image.js';
import { watchCancellation } from './watch-cancellation.js';

/**
 * Score some grid rows of one image. May run twice for the same rows: it gives the same numbers.
 *
 * A failure carries its report as JSON, so that the merge can say what went wrong.
 */
export async function runShard(context: Context, job: Job, token?: string): Promise<ShardResult> {
  try {
    return await scoreWatched(context, shardPayload.parse(job.data));
  } catch (error) {
    if (hasCode(error, 'cancelled') && context.shutdown.aborted) {
      // Given back, not failed: another worker runs it, and no attempt is used up.
      await job.moveToDelayed(Date.now(), token);
      throw new DelayedError();
    }
    const report = JSON.stringify(reportError(error));
    const retryable = !hasCode(error) || ['unavailable', 'internal'].includes(error.code);
    throw retryable ? new Error(report, { cause: error }) : new UnrecoverableError(report);
  }
}

async function scoreWatched(context: Context, shard: ShardPayload): Promise<ShardResult> {
  const watch = watchCancellation(context, shard.jobId);
  try {
    await watch.check();
    return await scoreRows(context, shard, watch.signal);
  } finally {
    watch.stop();
  }
}

async function scoreRows(
  context: Context,
  shard: ShardPayload,
  signal: AbortSignal,
): Promise<ShardResult> {
  const { tenant, jobId, dataset, item, settings, rowStart, rowEnd } = shard;
  const model = await context.shelf.open(shard.model);
  const input = await context.shelf.prepare(item.sha256, model, () =>
    readImage(context.store, tenant, dataset, item),
  );
  const run = await model.occlude(input, settings, {
    rows: { rowStart, rowEnd },
    signal,
    label: item.label,
    box: item.box,
  });
  await context.progress.addPositions(jobId, run.winners.length);
  await tellProgress(context, tenant, jobId);
  context.logger.debug(
    { jobId, imageId: item.id, rowStart, rowEnd, milliseconds: run.milliseconds },
    'shard scored',
  );
  return {
    version: 2,
    rowStart,
    rowEnd,
    scores: Buffer.concat(run.scores.map(encodeFloats)).toString('base64'),
    winners: encodeInts(run.winners).toString('base64'),
    clean: run.clean,
    faithfulness: run.faithfulness === null ? null : [...run.faithfulness],
    provenance: run.provenance,
    milliseconds: run.milliseconds,
  };
}
