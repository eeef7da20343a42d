import { deleteJob } from '@umbra/platform/store/job-records';
import {
  isFinal,
  type JobRecord,
  type JobRequest,
  jobEstimate,
  jobRequest,
  jobStatus,
} from '@umbra/shared/contracts/job';
import { imageState, imageStatus } from '@umbra/shared/contracts/result';
import { newWebhookSecret } from '@umbra/shared/contracts/webhook';
import type { Response } from 'express';
import { z } from 'zod';
import { releaseQuietly } from '../auth/release-usage.js';
import { manifestPageQuery } from '../datasets/manifest-pages.js';
import { forCaller } from '../http/for-caller.js';
import { type Caller, operation, type Route, route } from '../http/operation.js';
import { pageAnswers } from '../http/pages.js';
import { jobParam } from '../http/params.js';
import type { ApiServices } from '../services.js';
import { cancelJob, pauseJob, resumeJob, retryJob } from './control-job.js';
import { checkRequest, createJob, type JobServices } from './create-job.js';
import { estimateJob } from './estimate-job.js';
import { findJob } from './find-job.js';
import { createOnce, idempotencyKey, idempotencyKeyOf } from './idempotency.js';
import { type JobStatusServices, statusOf } from './job-status.js';
import { listImages } from './list-images.js';
import { isFiltered, jobsQuery, listJobs } from './list-jobs.js';

const pollSeconds = '1';

const status = { 'application/json': jobStatus } as const;
const accepted = {
  description: 'The job, which is processed asynchronously: poll it',
  content: status,
  headers: { Location: 'The job', 'Retry-After': 'Seconds to wait before the next request' },
} as const;
const control = { method: 'post', tag: 'jobs', scope: 'submit', params: jobParam } as const;

export const jobOperations = {
  create: operation({
    id: 'createJob',
    method: 'post',
    path: '/v1/jobs',
    tag: 'jobs',
    scope: 'submit',
    summary: 'Create a job that explains a dataset with a model; with dryRun, only estimate it',
    headers: { 'Idempotency-Key': idempotencyKey.optional() },
    query: z.strictObject({ dryRun: z.enum(['true', 'false']).default('false') }),
    body: jobRequest,
    answers: {
      200: {
        description: 'With dryRun: what the job would take',
        content: { 'application/json': jobEstimate },
      },
      202: {
        ...accepted,
        content: {
          'application/json': jobStatus.extend({
            /** Secret that signs its webhook, where the request gave none; shown this once. */
            webhookSecret: z.string().optional(),
            warnings: jobEstimate.shape.warnings.optional(),
          }),
        },
      },
    },
    problems: ['not_found', 'conflict', 'unprocessable', 'too_large', 'quota_exceeded'],
  }),
  list: operation({
    id: 'listJobs',
    method: 'get',
    path: '/v1/jobs',
    tag: 'jobs',
    scope: 'read',
    summary: 'List jobs, in the order of their ids or the newest first',
    query: jobsQuery,
    answers: pageAnswers(jobStatus),
  }),
  get: operation({
    id: 'getJob',
    method: 'get',
    path: '/v1/jobs/{job}',
    tag: 'jobs',
    scope: 'read',
    summary: 'Get a job, with its state, counts, positions done and ETA',
    params: jobParam,
    answers: { 200: { description: 'The job', content: status } },
  }),
  cancel: operation({
    ...control,
    id: 'cancelJob',
    path: '/v1/jobs/{job}/cancel',
    summary: 'Cancel a job; finished images stay, and are in its archive',
    answers: { 202: accepted },
    problems: ['conflict'],
  }),
  pause: operation({
    ...control,
    id: 'pauseJob',
    path: '/v1/jobs/{job}/pause',
    summary: 'Pause a job: start no more images until it is resumed',
    answers: { 202: accepted },
    problems: ['conflict'],
  }),
  resume: operation({
    ...control,
    id: 'resumeJob',
    path: '/v1/jobs/{job}/resume',
    summary: 'Resume a paused job',
    answers: { 202: accepted },
    problems: ['conflict'],
  }),
  retry: operation({
    ...control,
    id: 'retryJob',
    path: '/v1/jobs/{job}/retry',
    summary:
      'Retry an ended job: run the images that failed or were not run, reusing finished rows',
    answers: { 202: accepted },
    problems: ['conflict', 'quota_exceeded'],
  }),
  delete: operation({
    id: 'deleteJob',
    method: 'delete',
    path: '/v1/jobs/{job}',
    tag: 'jobs',
    scope: 'submit',
    summary: 'Delete a job that has ended, with its results; its dataset stays',
    params: jobParam,
    answers: { 204: { description: 'Deleted' } },
    problems: ['conflict'],
  }),
  images: operation({
    id: 'listImages',
    method: 'get',
    path: '/v1/jobs/{job}/images',
    tag: 'jobs',
    scope: 'read',
    summary: 'List the images of a job with their states',
    params: jobParam,
    query: manifestPageQuery.extend({
      /** State of the images listed; such a page may hold fewer than its limit, and have a next one. */
      state: imageState.optional(),
    }),
    answers: pageAnswers(imageStatus),
  }),
};

type RouteServices = JobServices &
  JobStatusServices &
  Pick<
    ApiServices,
    'redis' | 'config' | 'workerRegistry' | 'throughput' | 'polledJobs' | 'rowIndexes' | 'turns'
  >;

/** Routes that create, read, control and delete jobs. */
export function jobRoutes(services: RouteServices): Route[] {
  const { store, polledJobs, turns } = services;
  /** A page under a filter may read hundreds of records for each that it lists. */
  const scan = <T>(caller: Caller, list: () => Promise<T>) => turns.queries.run(caller, list);
  const accept = async (
    { tenant, response }: Pick<Caller, 'tenant'> & { readonly response: Response },
    job: JobRecord,
    more: ToldOnce = {},
  ) => {
    response
      .status(202)
      .location(`/v1/jobs/${job.id}`)
      .set('Retry-After', pollSeconds)
      .json({ ...(await statusOf(services, tenant, job)), ...more });
  };
  return [
    route(jobOperations.create, async ({ tenant, query, body, request, response }) => {
      if (query.dryRun === 'true') {
        response.json(await estimateJob(services, await checkRequest(services, tenant, body)));
        return;
      }
      const made = newSecretFor(body);
      const complete = withSecret(body, made);
      let warnings: readonly string[] = [];
      const { job, replayed } = await createOnce(
        services,
        { tenant, key: idempotencyKeyOf(request), body },
        async (id) => {
          const checked = await checkRequest(services, tenant, complete);
          warnings = checked.warnings;
          return createJob(services, tenant, checked, { id });
        },
      );
      if (replayed) response.set('Idempotency-Replayed', 'true');
      await accept({ tenant, response }, job, replayed ? {} : { ...made, warnings });
    }),
    route(jobOperations.list, async (call) => {
      const { tenant, query, response } = call;
      const list = () => listJobs(forCaller(services, call), tenant, query);
      response.json(await (isFiltered(query) ? scan(call, list) : list()));
    }),
    route(jobOperations.cancel, async ({ tenant, params, response }) => {
      const job = await findJob(services, tenant, params.job);
      await cancelJob(services, tenant, job);
      polledJobs.forget(tenant, job.id);
      await accept({ tenant, response }, job);
    }),
    route(jobOperations.pause, async ({ tenant, params, response }) => {
      const job = await findJob(services, tenant, params.job);
      await pauseJob(services, tenant, job);
      polledJobs.forget(tenant, job.id);
      await accept({ tenant, response }, job);
    }),
    route(jobOperations.resume, async ({ tenant, params, response }) => {
      const job = await findJob(services, tenant, params.job);
      await resumeJob(services, tenant, job);
      polledJobs.forget(tenant, job.id);
      await accept({ tenant, response }, job);
    }),
    route(jobOperations.retry, async ({ tenant, params, response }) => {
      const job = await findJob(services, tenant, params.job);
      const again = await retryJob(services, tenant, job);
      polledJobs.forget(tenant, job.id);
      await accept({ tenant, response }, again);
    }),
    route(jobOperations.delete, async ({ tenant, params, response }) => {
      const job = await findJob(services, tenant, params.job);
      await deleteJob(store, tenant, job);
      polledJobs.forget(tenant, job.id);
      // The dataset of an interactive job is deleted with it.
      if (job.interactive) await releaseQuietly(services.usage.releaseDataset(tenant, job.dataset));
      await services.rowIndexes.forget(tenant, job.id);
      response.status(204).end();
    }),
    route(jobOperations.get, async ({ tenant, params, response }) => {
      const { job, live } = await polledJobs.sample(tenant, params.job);
      const found = await statusOf(services, tenant, job, live);
      if (!isFinal(found.state)) response.set('Retry-After', pollSeconds);
      response.json(found);
    }),
    route(jobOperations.images, async (call) => {
      const { tenant, params, query, response } = call;
      const reading = forCaller(services, call);
      const job = await findJob(reading, tenant, params.job);
      const list = () => listImages(reading, tenant, job, query);
      response.json(await (query.state === undefined ? list() : scan(call, list)));
    }),
  ];
}

type NewSecret = { readonly webhookSecret?: string };
/** What the answer to a job's creation says beside its status. */
type ToldOnce = NewSecret & { readonly warnings?: readonly string[] };

/** Make a secret for a webhook that was given none. */
const newSecretFor = ({ webhook }: JobRequest): NewSecret =>
  webhook === undefined || webhook.secret !== undefined
    ? {}
    : { webhookSecret: newWebhookSecret() };

const withSecret = (body: JobRequest, { webhookSecret }: NewSecret): JobRequest =>
  body.webhook === undefined || webhookSecret === undefined
    ? body
    : { ...body, webhook: { ...body.webhook, secret: webhookSecret } };
