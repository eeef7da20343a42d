import { checkLabels, checkSizes } from '@umbra/datasets';
import { inputSize, resolveRun, resolveSettings } from '@umbra/engine';
import { enqueueDispatcher } from '@umbra/platform/queues/enqueue';
import { putJobEntry } from '@umbra/platform/store/job-records';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { positionsOf } from '@umbra/platform/tenancy/count-usage';
import type { Dataset } from '@umbra/shared/contracts/dataset';
import { type JobRecord, type JobRequest, newJobDefaults } from '@umbra/shared/contracts/job';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { defaultOutputs } from '@umbra/shared/contracts/outputs';
import { assertWebhookSecret, newWebhookSecret } from '@umbra/shared/contracts/webhook';
import { AppError, unavailable } from '@umbra/shared/errors';
import { newJobId } from '@umbra/shared/ids';
import type { Size } from '@umbra/shared/occlusion/grid';
import { assertPublicUrl } from '@umbra/shared/public-address';
import { releaseQuietly } from '../auth/release-usage.js';
import { findDataset } from '../datasets/find-dataset.js';
import { withinQueueTimeout } from '../http/queue-timeout.js';
import type { ApiServices } from '../services.js';
import { findRunnable } from './find-runnable.js';

/** A request that was checked: its dataset and model exist, and its settings fit the model. */
export type CheckedRequest = {
  readonly request: JobRequest;
  readonly dataset: Dataset;
  readonly bundle: ModelBundle;
  readonly digest: string;
  /** null where the inputs vary in size. */
  readonly positionsPerImage: number | null;
  /** What its client should know, though it does not keep the job from running. */
  readonly warnings: readonly string[];
};

/** Services that check a request. */
export type RequestCheckServices = Pick<ApiServices, 'store' | 'config' | 'losses'>;

/**
 * Check everything that can be checked before a job runs.
 *
 * @throws {AppError} `not_found` for its dataset or model; `conflict` if the dataset takes images or
 *   failed, or the model is set aside; `unavailable` while Redis is down; `invalid_input` if the settings do
 *   not fit the model, or target is `label` and no image of a ready dataset has one that does.
 */
export async function checkRequest(
  services: RequestCheckServices,
  tenant: string,
  request: JobRequest,
): Promise<CheckedRequest> {
  const { store, config } = services;
  const dataset = await findDataset(store, { tenant, id: request.dataset });
  if (dataset.state === 'open' || dataset.state === 'failed') {
    const hint = dataset.state === 'open' ? 'close it first' : dataset.error?.message;
    throw new AppError('conflict', `Dataset '${dataset.id}' is ${dataset.state}: ${hint}`);
  }
  const { bundle, digest, classNames, limits } = await findRunnable(services, {
    tenant,
    name: request.model,
  });
  const { settings, webhook } = request;
  if (webhook?.secret !== undefined) assertWebhookSecret(webhook.secret);
  if (webhook !== undefined && !config.UMBRA_WEBHOOK_ALLOW_PRIVATE) assertPublicUrl(webhook.url);
  const { input } = bundle;
  const varies = input.resize.rule === 'fit';
  if (varies) resolveSettings(settings, bundle, limits);
  const positionsPerImage = varies
    ? null
    : resolveRun(settings, bundle, input, limits).plan.positions;
  // The labels of a dataset that is not ready are checked once it is.
  const misfits =
    settings.target.kind === 'label' && dataset.state === 'ready'
      ? await checkLabels(store, tenant, dataset, { name: bundle.name, classNames })
      : null;
  const run = (photo: Size) => resolveRun(settings, bundle, inputSize(input, photo), limits);
  const oversized =
    varies && dataset.state === 'ready' ? await checkSizes(store, tenant, dataset, run) : null;
  const warnings = [misfits, oversized].filter((warning) => warning !== null);
  return { request, dataset, bundle, digest, positionsPerImage, warnings };
}

/** Services that store a job and dispatch it. */
export type JobServices = Pick<
  ApiServices,
  'store' | 'readTenant' | 'usage' | 'losses' | 'progress' | 'traces' | 'dispatchQueue'
>;

export type CreateJobOptions = {
  readonly id?: string;
  /** Whether a client waits for the job's image. */
  readonly interactive?: boolean;
};

/**
 * Store a job and dispatch it. A job that cannot be dispatched is removed again.
 *
 * @throws {AppError} `unavailable` while Redis is down; `quota_exceeded`
 */
export async function createJob(
  services: JobServices & Pick<ApiServices, 'redis'>,
  tenant: string,
  checked: CheckedRequest,
  { id = newJobId(), interactive = false }: CreateJobOptions = {},
): Promise<JobRecord> {
  const { store, redis, usage } = services;
  await redis.ping().catch((error: unknown) => {
    throw unavailable('The queue (Redis) cannot be reached', error);
  });
  const job = newJobRecord(checked, { id, interactive });
  const { webhook } = checked.request;
  await reservePositions(services, tenant, job);
  try {
    // The marker first: a job whose record says that it is queued is always found.
    await store.put(keys.activeJob(tenant, job.id), job.id);
    if (webhook !== undefined) {
      const { secret = newWebhookSecret() } = webhook;
      await putJson(store, keys.webhookSecret(tenant, job.id), { secret });
    }
    await putJobEntry(store, tenant, job);
    await putJson(store, keys.job(tenant, job.id), job);
    await dispatchJob(services, tenant, job.id);
  } catch (error) {
    await store.delete(keys.job(tenant, job.id));
    await store.delete(keys.jobEntry(tenant, job));
    await store.delete(keys.webhookSecret(tenant, job.id));
    await store.delete(keys.activeJob(tenant, job.id));
    await releaseQuietly(usage.releaseJob(tenant, job.id));
    throw error;
  }
  return job;
}

function newJobRecord(
  { request, dataset, bundle, digest, positionsPerImage }: CheckedRequest,
  { id, interactive }: Required<CreateJobOptions>,
): JobRecord {
  const now = Date.now();
  const { expiresAfterSeconds, webhook } = request;
  return {
    ...newJobDefaults,
    id,
    dataset: dataset.id,
    model: { name: bundle.name, digest },
    settings: request.settings,
    outputs: request.outputs ?? defaultOutputs,
    rowsPerShard: request.rowsPerShard ?? null,
    priority: request.priority,
    metadata: request.metadata,
    expiresAt:
      expiresAfterSeconds === undefined
        ? null
        : new Date(now + expiresAfterSeconds * 1000).toISOString(),
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
}

/** Reserve a job's positions in its tenant's quota. @throws {AppError} `quota_exceeded` */
export async function reservePositions(
  { readTenant, usage }: Pick<JobServices, 'readTenant' | 'usage'>,
  tenant: string,
  job: Pick<JobRecord, 'id' | 'positionsPerImage' | 'counts'>,
): Promise<void> {
  const { quotas } = await readTenant(tenant);
  await usage.reserveJob(tenant, quotas, job.id, positionsOf(job));
}

/** Register a job with the dispatcher and start one. @throws {AppError} `unavailable` */
export async function dispatchJob(
  { progress, traces, dispatchQueue }: Pick<JobServices, 'progress' | 'traces' | 'dispatchQueue'>,
  tenant: string,
  jobId: string,
): Promise<void> {
  try {
    await traces.remember(jobId);
    await progress.register(tenant, jobId);
    // An entry that is added after the timeout finds no job and ends.
    await withinQueueTimeout(enqueueDispatcher(dispatchQueue));
  } catch (error) {
    throw unavailable('The queue (Redis) cannot be reached', error);
  }
}
