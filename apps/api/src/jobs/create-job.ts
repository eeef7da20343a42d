import { allowedStrategy, assertTarget, planOcclusion } from '@umbra/engine';
import { engineOptionsOf } from '@umbra/platform/config';
import { dispatcherJob } from '@umbra/platform/queues/queues';
import { getJson, putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { describeModel, findModel } from '@umbra/platform/store/models';
import { positionsOf } from '@umbra/platform/tenancy/count-usage';
import { type Dataset, storedDataset } from '@umbra/shared/contracts/dataset';
import { type JobRecord, type JobRequest, newJobDefaults } from '@umbra/shared/contracts/job';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { assertWebhookSecret, newWebhookSecret } from '@umbra/shared/contracts/webhook';
import { AppError, hasCode, invalidInput, notFound, unavailable } from '@umbra/shared/errors';
import { newJobId } from '@umbra/shared/ids';
import { assertPublicUrl } from '@umbra/shared/public-address';
import { z } from 'zod';
import { releaseQuietly } from '../auth/release-usage.js';
import { withinQueueTimeout } from '../http/queue-timeout.js';
import type { ApiServices } from '../services.js';

/** A request whose every part was found and fits. */
export type CheckedRequest = {
  readonly request: JobRequest;
  readonly dataset: Dataset;
  readonly bundle: ModelBundle;
  readonly digest: string;
  /** null where images give inputs of different sizes. */
  readonly positionsPerImage: number | null;
};

/**
 * Check everything that can be checked before a job runs.
 *
 * @throws {AppError} `not_found` for its dataset or model; `conflict` if the dataset is not closed;
 *   `invalid_input` if the settings do not fit the model.
 */
export async function checkRequest(
  { store, config }: ApiServices,
  tenant: string,
  request: JobRequest,
): Promise<CheckedRequest> {
  const dataset = await getJson(store, keys.dataset(tenant, request.dataset), storedDataset).catch(
    (error: unknown) => {
      throw hasCode(error, 'not_found') ? notFound(`Unknown dataset '${request.dataset}'`) : error;
    },
  );
  if (dataset.state === 'open' || dataset.state === 'failed') {
    const hint = dataset.state === 'open' ? 'close it first' : dataset.error?.message;
    throw new AppError('conflict', `Dataset '${dataset.id}' is ${dataset.state}: ${hint}`);
  }
  const { name, digest } = await findModel(store, request.model);
  const bundle = await describeModel(store, name, digest);
  const { settings, webhook } = request;
  if (webhook?.secret !== undefined) assertWebhookSecret(webhook.secret);
  if (webhook !== undefined && !config.UMBRA_WEBHOOK_ALLOW_PRIVATE) assertPublicUrl(webhook.url);
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
  const varies = bundle.input.resize.rule === 'fit';
  const positionsPerImage = varies ? null : planOcclusion(bundle.input, settings).positions;
  return { request, dataset, bundle, digest, positionsPerImage };
}

/**
 * Store a job and have it dispatched.
 *
 * @param interactive Somebody waits for it.
 * @throws {AppError} `unavailable` without Redis, `quota_exceeded`: then there is no trace of the job.
 */
export async function createJob(
  context: ApiServices,
  tenant: string,
  { request, dataset, bundle, digest, positionsPerImage }: CheckedRequest,
  { id = newJobId(), interactive = false }: { id?: string; interactive?: boolean } = {},
): Promise<JobRecord> {
  const { store, redis } = context;
  await redis.ping().catch((error: unknown) => {
    throw unavailable('The queue (Redis) cannot be reached', error);
  });
  const now = Date.now();
  const { expiresAfterSeconds: life, webhook } = request;
  const job: JobRecord = {
    ...newJobDefaults,
    id,
    dataset: dataset.id,
    model: { name: bundle.name, digest },
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
    interactive,
    positionsPerImage,
    state: dataset.state === 'ready' ? 'queued' : 'validating',
    counts: { total: dataset.state === 'ready' ? dataset.images : 0, completed: 0, failed: 0 },
    createdAt: new Date(now).toISOString(),
  };
  await reservePositions(context, tenant, job);
  try {
    if (webhook !== undefined) {
      const { secret = newWebhookSecret() } = webhook;
      await putJson(store, keys.webhookSecret(tenant, job.id), { secret });
    }
    // The mark first: a job that says it is queued is always found.
    await store.put(keys.activeJob(tenant, job.id), job.id);
    await putJson(store, keys.job(tenant, job.id), job);
    await dispatchJob(context, tenant, job.id);
  } catch (error) {
    await store.delete(keys.activeJob(tenant, job.id));
    await store.delete(keys.job(tenant, job.id));
    await releaseQuietly(context.usage.releaseJob(tenant, job.id));
    await store.delete(keys.webhookSecret(tenant, job.id));
    throw error;
  }
  return job;
}

/** Hold a job to its tenant's quota of positions in flight. @throws {AppError} `quota_exceeded` */
export async function reservePositions(
  { readTenant, usage }: ApiServices,
  tenant: string,
  job: Pick<JobRecord, 'id' | 'positionsPerImage' | 'counts'>,
): Promise<void> {
  const { quotas } = await readTenant(tenant);
  await usage.reserveJob(tenant, quotas, job.id, positionsOf(job));
}

/** Have the dispatcher look after a job. @throws {AppError} `unavailable` */
export async function dispatchJob(
  { progress, traces, dispatchQueue }: ApiServices,
  tenant: string,
  jobId: string,
): Promise<void> {
  const { name, data, opts } = dispatcherJob;
  try {
    await traces.remember(jobId);
    await progress.register(tenant, jobId);
    // A late entry finds no job and ends.
    await withinQueueTimeout(dispatchQueue.add(name, data, opts));
  } catch (error) {
    throw unavailable('The queue (Redis) cannot be reached', error);
  }
}
