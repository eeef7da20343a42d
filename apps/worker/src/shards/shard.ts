import { encodeRows } from '@umbra/engine';
import { isOutage } from '@umbra/platform/faults';
import { type ShardPayload, shardPayload, shardReturn } from '@umbra/shared/contracts/shard';
import { hasCode, isRetryable, reportError } from '@umbra/shared/errors';
import { type Job, UnrecoverableError } from 'bullmq';
import type { ApartTurn } from '../apart/apart.js';
import { publishBand } from '../jobs/publish-events.js';
import { giveBack } from '../runtime/give-back.js';
import { runForImage } from '../runtime/late-inference.js';
import { outlast } from '../runtime/outlast.js';
import type { StepResult } from '../runtime/step.js';
import { watchCancellation } from '../runtime/watch-cancellation.js';
import type { WorkerServices } from '../services.js';
import { storeLargeResult } from './large-results.js';
import { computeHere, type RangeServices } from './open-range.js';
import { openPositionReport, type PositionReport } from './report-positions.js';
import { type ScoredShard, type ScoreServices, scoreRows } from './score-rows.js';

export type ShardServices = ScoreServices &
  RangeServices &
  Pick<WorkerServices, 'progress' | 'events' | 'shutdown' | 'losses' | 'heldImages' | 'apart'>;

/** Delay before a shard asks again that can neither run now nor fail. */
const askAgainMs = 300;

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
    result = await scoreWatched(services, job);
  } catch (error) {
    if (hasCode(error, 'cancelled') && services.shutdown.aborted) {
      // Given back, not failed: another worker runs it, and no attempt is used up.
      return giveBack(job, token);
    }
    if (isOutage(error)) throw error;
    const report = JSON.stringify(reportError(error));
    throw isRetryable(error) ? new Error(report, { cause: error }) : new UnrecoverableError(report);
  }
  return result ?? giveBack(job, token, askAgainMs);
}

/** Tell those who follow the job of the rows that a shard has returned. Never rejects. */
export async function publishShard(
  services: Pick<WorkerServices, 'events' | 'logger'>,
  job: Job,
  value: unknown,
): Promise<void> {
  const returned = shardReturn.safeParse(value);
  if (returned.success) await publishBand(services, shardPayload.parse(job.data), returned.data);
}

/** @returns null while another worker computes the same rows, another suspect runs apart or the image does elsewhere, or the job is about to end. */
async function scoreWatched(services: ShardServices, job: Job): Promise<StepResult | null> {
  const { losses, heldImages, apart } = services;
  const shard = shardPayload.parse(job.data);
  const watch = watchCancellation(services, shard.jobId);
  const { signal } = watch;
  const token = job.id ?? '';
  let turn: ApartTurn | null = null;
  try {
    // Sent together: one round trip.
    const [known] = await Promise.all([
      losses.read(shard),
      watch.check(),
      heldImages.hold(token, shard),
    ]);
    if (known.setAside !== null) return await awaitEnd(services, shard);
    const isSuspect = job.stalledCounter > 0 || known.isSuspect;
    if (isSuspect) turn = await apart.enter(shard);
    if (isSuspect && turn === null) return null;
    if (turn !== null) await heldImages.hold(token, shard, 'rows');
    const report = openPositionReport(services, shard);
    const compute =
      turn?.compute(shard, signal) ??
      computeHere(services, shard, { signal, onPositions: report.add });
    const scored = await runForImage(shard, () => scoreRows(services, shard, compute));
    if (scored === null) return null;
    const result = await reportScored(services, shard, { ...scored, signal, report });
    // Best effort: the next success tells it too.
    if (known.isModelBlamed && scored.reusedPositions < scored.rows.predictedClasses.length) {
      losses.clearModel(shard.model.digest).catch(() => undefined);
    }
    return result;
  } catch (error) {
    const isModels =
      hasCode(error, 'poison') && (await losses.findSetAside(shard.model.digest)) !== null;
    if (isModels) return await awaitEnd(services, shard);
    throw error;
  } finally {
    turn?.leave();
    watch.stop();
    // Best effort: what stays there runs apart, should this process be lost.
    heldImages.release(token).catch(() => undefined);
  }
}

/** Have the dispatcher end a job whose model is set aside, and cancel its shards. */
async function awaitEnd({ progress }: ShardServices, { jobId }: ShardPayload): Promise<null> {
  await progress.tell(jobId);
  return null;
}

type RunShard = ScoredShard & { readonly signal: AbortSignal; readonly report: PositionReport };

async function reportScored(
  services: ShardServices,
  shard: ShardPayload,
  { rows, reusedPositions, signal, report }: RunShard,
): Promise<StepResult> {
  const { logger } = services;
  const { tenant, jobId, item, model, rowStart, rowEnd } = shard;
  const { milliseconds, reused, provenance } = rows;
  const positions = rows.predictedClasses.length;
  const result = { ...rows, ...encodeRows(rows) };
  // What was computed is not thrown away for a store that is back in a moment.
  const value = await outlast(() => storeLargeResult(services, shard, result), signal);
  await report.finish(positions);
  logger.debug({ jobId, imageId: item.id, rowStart, rowEnd, milliseconds, reused }, 'shard scored');
  const backend = `${provenance.backend} ${provenance.device}`;
  const computedPositions = positions - reusedPositions;
  const work = { model, backend, computedPositions, reusedPositions };
  return { value, work: { tenant, shard: work } };
}
