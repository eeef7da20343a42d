import {
  composeResult,
  decodeFloats,
  decodeInts,
  inputSize,
  type Maps,
  planOcclusion,
} from '@umbra/engine';
import {
  AppError,
  type ErrorReport,
  errorReport,
  imageIndexOf,
  integrity,
  keys,
  type MergePayload,
  mergeBands,
  mergePayload,
  type Plan,
  putJson,
  type ResultFile,
  reportError,
  type ShardResult,
  shardResult,
  unavailable,
} from '@umbra/shared';
import type { Job } from 'bullmq';
import { tellImage } from './announce.js';
import type { Context } from './context.js';
import { readImage } from './read-image.js';

/** Assemble an image's shards, write its results, count it. Safe to repeat. */
export async function runMerge(context: Context, job: Job, token = ''): Promise<void> {
  const image = mergePayload.parse(job.data);
  const [failure] = Object.values(await job.getIgnoredChildrenFailures());
  if (failure !== undefined) {
    const error = parseFailure(failure);
    // Of a cancelled job: the image is neither finished nor failed.
    if (error.code === 'cancelled' && (await context.progress.isCancelled(image.jobId))) {
      return context.progress.dropImage(image.jobId, imageIndexOf(image.item.id));
    }
    return recordFailure(context, image, error);
  }
  try {
    const shards = Object.values(await job.getChildrenValues()).map((value) =>
      shardResult.parse(value),
    );
    await writeResults(context, image, shards);
  } catch (error) {
    const lastAttempt = job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
    if (!lastAttempt && !(error instanceof AppError && !error.retryable)) throw error;
    await assertHeld(context, job, token);
    return recordFailure(context, image, reportError(error));
  }
  const { tenant, jobId, item } = image;
  if (await context.progress.finishImage(jobId, imageIndexOf(item.id), 'completed')) {
    await tellImage(context, tenant, jobId, { id: item.id, state: 'completed', error: null });
  }
  context.logger.info({ jobId, imageId: item.id }, 'image completed');
}

/**
 * Where Redis came back empty, the shards of this merge are gone with its lock: that the image is
 * without them says nothing of it, and the job is taken up again from the store.
 *
 * @throws {AppError} `unavailable` if another worker may have this merge.
 */
async function assertHeld({ config }: Context, job: Job, token: string): Promise<void> {
  const held = await job.extendLock(token, config.UMBRA_LOCK_MS).catch(() => 0);
  if (held !== 1) throw unavailable('The queue no longer knows of this merge');
}

/** A merge that ended without its step, since its workers died of it: the image failed. */
export async function failUnmerged(context: Context, job: Job, error: Error): Promise<void> {
  await recordFailure(context, mergePayload.parse(job.data), parseFailure(error.message));
}

/** The image failed; the job goes on. */
export async function recordFailure(
  context: Context,
  { tenant, jobId, item }: MergePayload,
  error: ErrorReport,
): Promise<void> {
  const { store, progress, logger } = context;
  await putJson(store, keys.error(tenant, jobId, item.id), error);
  if (await progress.finishImage(jobId, imageIndexOf(item.id), 'failed')) {
    await tellImage(context, tenant, jobId, { id: item.id, state: 'failed', error });
  }
  logger.warn({ jobId, imageId: item.id, error }, 'image failed');
}

async function writeResults(
  context: Context,
  image: MergePayload,
  shards: readonly ShardResult[],
): Promise<void> {
  const { store, shelf } = context;
  const { tenant, jobId, dataset, item, settings } = image;
  const model = await shelf.describe(image.model);
  const { id, name, sha256, width, height } = item;
  const plan = planOcclusion(inputSize(model.bundle.input, { width, height }), settings);
  const [first, ...others] = shards;
  if (first === undefined) throw integrity(`Expected shards of image ${id}, got none`);
  for (const shard of others) assertSameRun(first, shard, id);
  const files = await composeResult({
    photo: await readImage(store, tenant, dataset, item),
    image: { id, name, sha256, width, height },
    model,
    settings,
    run: {
      plan,
      ...mergeShards(shards, plan),
      clean: first.clean,
      faithfulness: first.faithfulness,
    },
    provenance: first.provenance,
  });
  const put = (file: ResultFile, bytes: Buffer) =>
    store.put(keys.result(tenant, jobId, id, file), bytes);
  // The description last: where it stands, the image is done.
  const rest = [...files].filter(([file]) => file !== 'result.json');
  await Promise.all(rest.map(([file, bytes]) => put(file, bytes)));
  await put('result.json', files.get('result.json') ?? Buffer.alloc(0));
}

/** Copy every shard's rows to their place; each target on its own. */
function mergeShards(shards: readonly ShardResult[], plan: Plan): Maps {
  const targets = shards[0]?.clean.targets ?? [];
  const decoded = shards.map(({ rowStart, rowEnd, scores, winners }) => ({
    rowStart,
    rowEnd,
    scores: decodeFloats(Buffer.from(scores, 'base64')),
    winners: decodeInts(Buffer.from(winners, 'base64')),
  }));
  const bandsOf = (target: number) =>
    decoded.map(({ rowStart, rowEnd, scores }) => {
      const length = scores.length / targets.length;
      return { rowStart, rowEnd, values: scores.subarray(target * length, (target + 1) * length) };
    });
  return {
    scores: targets.map((_, target) =>
      mergeBands(bandsOf(target), plan.rowStarts, new Float32Array(plan.positions)),
    ),
    winners: mergeBands(
      decoded.map(({ rowStart, rowEnd, winners }) => ({ rowStart, rowEnd, values: winners })),
      plan.rowStarts,
      new Int32Array(plan.positions),
    ),
  };
}

/** Clean runs may differ by a rounding between machines; anything more is another model or image. */
const cleanTolerance = 1e-4;

function assertSameRun(a: ShardResult, b: ShardResult, imageId: string): void {
  const near = (one: number, other: number | undefined) =>
    Math.abs(one - (other ?? Number.NaN)) <= cleanTolerance * Math.max(1, Math.abs(one));
  const same =
    a.clean.targets.length === b.clean.targets.length &&
    a.clean.targets.every(({ index, score }, at) => {
      const other = b.clean.targets[at];
      return index === other?.index && near(score, other.score);
    }) &&
    a.provenance.backend === b.provenance.backend;
  if (!same) throw integrity(`Expected all shards of image ${imageId} to come from the same run`);
}

function parseFailure(reason: unknown): ErrorReport {
  const text = String(reason);
  try {
    const parsed = errorReport.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
  } catch {
    // Not ours: the queue's own words, such as a shard that stalled too often.
  }
  return { code: 'internal', message: text };
}
