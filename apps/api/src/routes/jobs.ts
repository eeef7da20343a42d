import { allowedStrategy, assertTarget, planOcclusion } from '@umbra/engine';
import {
  AppError,
  dataset,
  datasetItem,
  describeModel,
  engineOptionsOf,
  errorReport,
  findModel,
  getJson,
  hasCode,
  type ImageStatus,
  invalidInput,
  isFinal,
  type JobRecord,
  type JobRequest,
  jobRecord,
  jobRequest,
  keys,
  type ModelBundle,
  type ModelSummary,
  newJobId,
  notFound,
  patientJob,
  putJson,
  queueJobIds,
  queueNames,
  readJsonLines,
  unavailable,
} from '@umbra/shared';
import { Router } from 'express';
import { z } from 'zod';
import { requireJson } from '../app.js';
import type { Context } from '../context.js';
import { deleteJob } from '../delete.js';
import { idempotencyKeyOf, onceForKey } from '../idempotency.js';
import { statusOf } from '../job-status.js';
import { parseBody } from '../problems.js';
import { jobIdOf, tenantOf } from './params.js';

const pollSeconds = '1';
/** BullMQ waits for a Redis that is away; a request does not. A late entry finds no job and ends. */
const queueTimeoutMs = 1_500;

export function jobRoutes(context: Context): Router {
  const router = Router();
  router.post('/v1/jobs', ...requireJson(), async (request, response) => {
    const tenant = tenantOf();
    const asked = parseBody(jobRequest, request.body);
    const { job, replayed } = await onceForKey(
      context,
      tenant,
      idempotencyKeyOf(request),
      asked,
      () => createJob(context, tenant, asked),
    );
    if (replayed) response.set('Idempotency-Replayed', 'true');
    response
      .status(202)
      .location(`/v1/jobs/${job.id}`)
      .set('Retry-After', pollSeconds)
      .json(await statusOf(context, tenantOf(), job));
  });
  router.post('/v1/jobs/:id/cancel', async (request, response) => {
    const job = await findJob(context, tenantOf(), jobIdOf(request.params.id));
    await cancelJob(context, tenantOf(), job);
    response
      .status(202)
      .set('Retry-After', pollSeconds)
      .json(await statusOf(context, tenantOf(), job));
  });
  router.delete('/v1/jobs/:id', async (request, response) => {
    const job = await findJob(context, tenantOf(), jobIdOf(request.params.id));
    await deleteJob(context.store, tenantOf(), job);
    response.status(204).end();
  });
  router.get('/v1/jobs/:id', async (request, response) => {
    const job = await findJob(context, tenantOf(), jobIdOf(request.params.id));
    if (!isFinal(job.state)) response.set('Retry-After', pollSeconds);
    response.json(await statusOf(context, tenantOf(), job));
  });
  router.get('/v1/jobs/:id/images', async (request, response) => {
    const tenant = tenantOf();
    const job = await findJob(context, tenant, jobIdOf(request.params.id));
    const { limit, cursor } = parseBody(page, request.query);
    response.json(await listImages(context, tenant, job, limit, cursor));
  });
  return router;
}

/** @throws {AppError} `not_found` */
export async function findJob({ store }: Context, tenant: string, id: string): Promise<JobRecord> {
  try {
    return await getJson(store, keys.job(tenant, id), jobRecord);
  } catch (error) {
    throw hasCode(error, 'not_found') ? notFound(`Unknown job '${id}'`) : error;
  }
}

/**
 * Have a job end; what is finished stays. Safe to repeat.
 *
 * @throws {AppError} `conflict` if it has ended already.
 */
async function cancelJob({ store, progress }: Context, tenant: string, job: JobRecord) {
  if (job.state === 'cancelled') return;
  if (isFinal(job.state)) {
    throw new AppError('conflict', `Job '${job.id}' is ${job.state}: there is nothing to cancel`);
  }
  const key = keys.cancellation(tenant, job.id);
  const requestedAt = new Date().toISOString();
  if ((await store.head(key)) === null) await putJson(store, key, { requestedAt });
  // Sooner than by the dispatcher; without Redis nothing runs.
  await progress.cancel(job.id).catch(() => undefined);
}

/** Check everything that can be checked now, store the job, queue it. */
async function createJob(
  context: Context,
  tenant: string,
  request: JobRequest,
): Promise<JobRecord> {
  const { store, redis } = context;
  const { images } = await getJson(store, keys.dataset(tenant, request.dataset), dataset).catch(
    (error: unknown) => {
      throw hasCode(error, 'not_found') ? notFound(`Unknown dataset '${request.dataset}'`) : error;
    },
  );
  const summary = await findModel(store, request.model);
  const bundle = await describeModel(store, summary.name, summary.digest);
  const positionsPerImage = await checkSettings(context, request, bundle, summary);
  // Before anything is written: a job that cannot be queued leaves no trace.
  await redis.ping().catch((error: unknown) => {
    throw unavailable('The queue (Redis) cannot be reached', error);
  });
  const job: JobRecord = {
    version: 1,
    id: newJobId(),
    dataset: request.dataset,
    model: { name: summary.name, digest: summary.digest },
    settings: request.settings,
    rowsPerShard: request.rowsPerShard ?? null,
    positionsPerImage,
    state: 'queued',
    counts: { total: images, completed: 0, failed: 0 },
    createdAt: new Date().toISOString(),
    startedAt: null,
    finalizingAt: null,
    completedAt: null,
    failedAt: null,
    cancelledAt: null,
    error: null,
  };
  await putJson(store, keys.job(tenant, job.id), job);
  await store.put(keys.activeJob(tenant, job.id), job.id);
  await enqueue(context, tenant, job.id);
  return job;
}

const expire = (milliseconds: number): Promise<never> =>
  new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error('Timed out')), milliseconds).unref();
  });

async function enqueue(
  { store, dispatchQueue }: Context,
  tenant: string,
  id: string,
): Promise<void> {
  const added = dispatchQueue.add(
    queueNames.dispatch,
    { version: 1, tenant, jobId: id },
    { ...patientJob, jobId: queueJobIds.dispatch(id) },
  );
  try {
    await Promise.race([added, expire(queueTimeoutMs)]);
  } catch (error) {
    await store.delete(keys.activeJob(tenant, id));
    await store.delete(keys.job(tenant, id));
    throw unavailable('The queue (Redis) cannot be reached', error);
  }
}

/**
 * @returns Positions of an image, or null where images give inputs of different sizes.
 * @throws {AppError} `invalid_input` if the settings do not fit the model.
 */
async function checkSettings(
  { store, config }: Context,
  { settings }: JobRequest,
  bundle: ModelBundle,
  { name, digest }: ModelSummary,
): Promise<number | null> {
  allowedStrategy(settings.strategy, engineOptionsOf(config));
  if (bundle.labels !== undefined) {
    const text = await store.get(keys.modelFile(name, digest, bundle.labels));
    assertTarget(settings.target, z.array(z.string()).parse(JSON.parse(text.toString())));
  }
  if (settings.score === 'logit' && bundle.output === 'probabilities') {
    throw invalidInput(
      `Expected score 'probability' or 'log-odds': model '${name}' gives no logits`,
    );
  }
  if (bundle.input.resize.rule === 'fit') return null;
  return planOcclusion(bundle.input, settings).positions;
}

const page = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** Byte offset into the manifest; opaque to clients. */
  cursor: z
    .string()
    .transform((text) => Number(Buffer.from(text, 'base64url').toString()))
    .refine((offset) => Number.isSafeInteger(offset) && offset > 0, 'Expected a next_cursor')
    .optional(),
});

async function listImages(
  { store }: Context,
  tenant: string,
  job: JobRecord,
  limit: number,
  cursor = 0,
): Promise<{ data: ImageStatus[]; next_cursor: string | null }> {
  const key = keys.manifest(tenant, job.dataset);
  const size = (await store.head(key))?.bytes ?? 0;
  if (cursor >= size) return { data: [], next_cursor: null };
  const { body } = await store.stream(key, { start: cursor, end: size });
  const items = [];
  let offset = cursor;
  try {
    for await (const { value, bytes } of readJsonLines(body, datasetItem)) {
      items.push(value);
      offset += bytes;
      if (items.length === limit) break;
    }
  } catch (error) {
    // A cursor that we gave starts at a line.
    if (cursor > 0 && hasCode(error, 'integrity')) {
      throw new AppError('invalid_input', 'Expected cursor to be a next_cursor');
    }
    throw error;
  } finally {
    body.destroy();
  }
  const data = await Promise.all(
    items.map(async ({ id, name }): Promise<ImageStatus> => {
      return { id, name, ...(await imageState(store, tenant, job.id, id)) };
    }),
  );
  const more = offset < size;
  return { data, next_cursor: more ? Buffer.from(String(offset)).toString('base64url') : null };
}

/** What the store says of one image of a job. */
export async function imageState(
  store: Context['store'],
  tenant: string,
  jobId: string,
  imageId: string,
): Promise<Pick<ImageStatus, 'state' | 'error'>> {
  if ((await store.head(keys.result(tenant, jobId, imageId, 'result.json'))) !== null) {
    return { state: 'completed', error: null };
  }
  try {
    const error = await getJson(store, keys.error(tenant, jobId, imageId), errorReport);
    return { state: 'failed', error };
  } catch (error) {
    if (hasCode(error, 'not_found')) return { state: 'pending', error: null };
    throw error;
  }
}
