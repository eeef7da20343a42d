import { allowedStrategy, assertTarget, planOcclusion } from '@umbra/engine';
import {
  AppError,
  datasetItem,
  describeModel,
  engineOptionsOf,
  errorReport,
  findModel,
  getJson,
  hasCode,
  type ImageStatus,
  imageStatus,
  invalidInput,
  isFinal,
  type JobRecord,
  type JobRequest,
  jobRequest,
  jobStatus,
  keys,
  type ModelBundle,
  type ModelSummary,
  newJobDefaults,
  newJobId,
  notFound,
  patientJob,
  putJson,
  queueJobIds,
  queueNames,
  readJsonLines,
  storedDataset,
  storedJob,
  unavailable,
} from '@umbra/shared';
import { z } from 'zod';
import type { Context } from '../context.js';
import { deleteJob } from '../delete.js';
import { idempotencyKeyOf, onceForKey } from '../idempotency.js';
import { statusOf } from '../job-status.js';
import { operation, type Route, route } from '../operation.js';
import { jobParam } from './params.js';

const pollSeconds = '1';
/** BullMQ waits for a Redis that is away; a request does not. A late entry finds no job and ends. */
const queueTimeoutMs = 1_500;

const status = { 'application/json': jobStatus } as const;
const accepted = {
  description: 'The job, which goes on by itself: poll it',
  content: status,
  headers: { Location: 'The job', 'Retry-After': 'Seconds to wait before asking' },
} as const;

const page = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** Byte offset into the manifest; opaque to clients. */
  cursor: z
    .string()
    .transform((text) => Number(Buffer.from(text, 'base64url').toString()))
    .refine((offset) => Number.isSafeInteger(offset) && offset > 0, 'Expected a next_cursor')
    .optional(),
});

export const jobOperations = {
  create: operation({
    id: 'createJob',
    ...{ method: 'post', path: '/v1/jobs', tag: 'jobs', scope: 'submit' },
    summary: 'Explain a dataset with a model',
    headers: { 'Idempotency-Key': z.string().optional() },
    body: jobRequest,
    answers: { 202: accepted },
    problems: ['not_found', 'conflict', 'unprocessable', 'too_large'],
  }),
  get: operation({
    id: 'getJob',
    ...{ method: 'get', path: '/v1/jobs/{job}', tag: 'jobs', scope: 'read' },
    summary: "A job's state, counts, positions done and ETA",
    params: jobParam,
    answers: { 200: { description: 'The job', content: status } },
  }),
  cancel: operation({
    id: 'cancelJob',
    ...{ method: 'post', path: '/v1/jobs/{job}/cancel', tag: 'jobs', scope: 'submit' },
    summary: 'Have a job end; finished images stay, and are in its archive',
    params: jobParam,
    answers: { 202: accepted },
    problems: ['conflict'],
  }),
  delete: operation({
    id: 'deleteJob',
    ...{ method: 'delete', path: '/v1/jobs/{job}', tag: 'jobs', scope: 'submit' },
    summary: 'Delete a job that has ended, with its results; its dataset stays',
    params: jobParam,
    answers: { 204: { description: 'Gone' } },
    problems: ['conflict'],
  }),
  images: operation({
    id: 'listImages',
    ...{ method: 'get', path: '/v1/jobs/{job}/images', tag: 'jobs', scope: 'read' },
    summary: 'The images of a job and their states, in pages',
    params: jobParam,
    query: page,
    answers: {
      200: {
        description: 'A page',
        content: {
          'application/json': z.strictObject({
            data: z.array(imageStatus),
            next_cursor: z.string().nullable(),
          }),
        },
      },
    },
  }),
};

export function jobRoutes(context: Context): Route[] {
  return [
    route(jobOperations.create, async ({ tenant, body: asked, request, response }) => {
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
        .json(await statusOf(context, tenant, job));
    }),
    route(jobOperations.cancel, async ({ tenant, params, response }) => {
      const job = await findJob(context, tenant, params.job);
      await cancelJob(context, tenant, job);
      response
        .status(202)
        .set('Retry-After', pollSeconds)
        .json(await statusOf(context, tenant, job));
    }),
    route(jobOperations.delete, async ({ tenant, params, response }) => {
      const job = await findJob(context, tenant, params.job);
      await deleteJob(context.store, tenant, job);
      response.status(204).end();
    }),
    route(jobOperations.get, async ({ tenant, params, response }) => {
      const job = await findJob(context, tenant, params.job);
      if (!isFinal(job.state)) response.set('Retry-After', pollSeconds);
      response.json(await statusOf(context, tenant, job));
    }),
    route(jobOperations.images, async ({ tenant, params, query, response }) => {
      const job = await findJob(context, tenant, params.job);
      response.json(await listImages(context, tenant, job, query.limit, query.cursor));
    }),
  ];
}

/** @throws {AppError} `not_found` */
export async function findJob({ store }: Context, tenant: string, id: string): Promise<JobRecord> {
  try {
    return await getJson(store, keys.job(tenant, id), storedJob);
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
  const { images } = await getJson(
    store,
    keys.dataset(tenant, request.dataset),
    storedDataset,
  ).catch((error: unknown) => {
    throw hasCode(error, 'not_found') ? notFound(`Unknown dataset '${request.dataset}'`) : error;
  });
  const summary = await findModel(store, request.model);
  const bundle = await describeModel(store, summary.name, summary.digest);
  const positionsPerImage = await checkSettings(context, request, bundle, summary);
  // Before anything is written: a job that cannot be queued leaves no trace.
  await redis.ping().catch((error: unknown) => {
    throw unavailable('The queue (Redis) cannot be reached', error);
  });
  const now = Date.now();
  const { expiresAfterSeconds: life, webhook } = request;
  const job: JobRecord = {
    ...newJobDefaults,
    id: newJobId(),
    dataset: request.dataset,
    model: { name: summary.name, digest: summary.digest },
    settings: request.settings,
    rowsPerShard: request.rowsPerShard ?? null,
    priority: request.priority,
    metadata: request.metadata,
    expiresAt: life === undefined ? null : new Date(now + life * 1000).toISOString(),
    errorThreshold: request.errorThreshold ?? null,
    reuse: request.reuse,
    keepResultsSeconds: request.keepResultsSeconds ?? null,
    archivePartBytes: request.archivePartBytes ?? null,
    webhook: webhook === undefined ? null : { url: webhook.url },
    positionsPerImage,
    counts: { total: images, completed: 0, failed: 0 },
    createdAt: new Date(now).toISOString(),
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
