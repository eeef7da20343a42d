import { deleteJob, findJobRecord } from '@umbra/platform/store/delete';
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
import { notFound } from '@umbra/shared/errors';
import type { Response } from 'express';
import { z } from 'zod';
import { releaseQuietly } from '../auth/release-usage.js';
import { operation, type Route, route } from '../http/operation.js';
import { jobParam } from '../http/params.js';
import type { ApiServices } from '../services.js';
import { cancelJob, pauseJob, resumeJob, retryJob } from './control-job.js';
import { checkRequest, createJob } from './create-job.js';
import { estimateJob } from './estimate-job.js';
import { idempotencyKey, idempotencyKeyOf, onceForKey } from './idempotency.js';
import { statusOf } from './job-status.js';
import { listImages, pageQuery } from './list-images.js';
import { listJobs } from './list-jobs.js';

const pollSeconds = '1';

const status = { 'application/json': jobStatus } as const;
const accepted = {
  description: 'The job, which goes on by itself: poll it',
  content: status,
  headers: { Location: 'The job', 'Retry-After': 'Seconds to wait before asking' },
} as const;
const pageOf = <T extends z.ZodType>(row: T) => ({
  200: {
    description: 'A page',
    content: {
      'application/json': z.strictObject({
        data: z.array(row),
        next_cursor: z.string().nullable(),
      }),
    },
  },
});
const control = { method: 'post', tag: 'jobs', scope: 'submit', params: jobParam } as const;

export const jobOperations = {
  create: operation({
    id: 'createJob',
    ...{ method: 'post', path: '/v1/jobs', tag: 'jobs', scope: 'submit' },
    summary: 'Explain a dataset with a model; with dryRun, only say what that takes',
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
            /** What its webhook is signed with, where none was given: told here, and never again. */
            webhookSecret: z.string().optional(),
          }),
        },
      },
    },
    problems: ['not_found', 'conflict', 'unprocessable', 'too_large', 'quota_exceeded'],
  }),
  list: operation({
    id: 'listJobs',
    ...{ method: 'get', path: '/v1/jobs', tag: 'jobs', scope: 'read' },
    summary: 'Jobs, in the order of their ids, in pages',
    query: z.strictObject({
      limit: z.coerce.number().int().min(1).max(100).default(20),
      cursor: z.string().min(1).max(64).optional(),
    }),
    answers: pageOf(jobStatus),
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
    ...{ ...control, path: '/v1/jobs/{job}/cancel' },
    summary: 'Have a job end; finished images stay, and are in its archive',
    answers: { 202: accepted },
    problems: ['conflict'],
  }),
  pause: operation({
    id: 'pauseJob',
    ...{ ...control, path: '/v1/jobs/{job}/pause' },
    summary: 'Begin no more images until the job is resumed',
    answers: { 202: accepted },
    problems: ['conflict'],
  }),
  resume: operation({
    id: 'resumeJob',
    ...{ ...control, path: '/v1/jobs/{job}/resume' },
    summary: 'Go on with a paused job',
    answers: { 202: accepted },
    problems: ['conflict'],
  }),
  retry: operation({
    id: 'retryJob',
    ...{ ...control, path: '/v1/jobs/{job}/retry' },
    summary:
      'Run the images of an ended job that failed or were not run; rows that are there are used',
    answers: { 202: accepted },
    problems: ['conflict', 'quota_exceeded'],
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
    query: pageQuery.extend({
      /** A page of one state may hold fewer images than its limit, and yet have a next one. */
      state: imageState.optional(),
    }),
    answers: pageOf(imageStatus),
  }),
};

export function jobRoutes(context: ApiServices): Route[] {
  const { store } = context;
  const accept = async (response: Response, job: JobRecord, more: MadeSecret = {}) => {
    response
      .status(202)
      .location(`/v1/jobs/${job.id}`)
      .set('Retry-After', pollSeconds)
      .json({ ...(await statusOf(context, job)), ...more });
  };
  return [
    route(jobOperations.create, async ({ tenant, query, body: asked, request, response }) => {
      if (query.dryRun === 'true') {
        response.json(await estimateJob(context, await checkRequest(context, tenant, asked)));
        return;
      }
      const made = secretFor(asked);
      const complete = withSecret(asked, made);
      const { job, replayed } = await onceForKey(
        context,
        tenant,
        idempotencyKeyOf(request),
        asked,
        async (id) =>
          createJob(context, tenant, await checkRequest(context, tenant, complete), { id }),
      );
      if (replayed) response.set('Idempotency-Replayed', 'true');
      await accept(response, job, replayed ? {} : made);
    }),
    route(jobOperations.list, async ({ tenant, query, response }) => {
      response.json(await listJobs(context, tenant, query));
    }),
    route(jobOperations.cancel, async ({ tenant, params, response }) => {
      const job = await findJob(context, tenant, params.job);
      await cancelJob(context, tenant, job);
      await accept(response, job);
    }),
    route(jobOperations.pause, async ({ tenant, params, response }) => {
      const job = await findJob(context, tenant, params.job);
      await pauseJob(context, tenant, job);
      await accept(response, job);
    }),
    route(jobOperations.resume, async ({ tenant, params, response }) => {
      const job = await findJob(context, tenant, params.job);
      await resumeJob(context, tenant, job);
      await accept(response, job);
    }),
    route(jobOperations.retry, async ({ tenant, params, response }) => {
      const job = await findJob(context, tenant, params.job);
      const again = await retryJob(context, tenant, job);
      context.polledJobs.delete(`${tenant} ${job.id}`);
      await accept(response, again);
    }),
    route(jobOperations.delete, async ({ tenant, params, response }) => {
      const job = await findJob(context, tenant, params.job);
      await deleteJob(store, tenant, job);
      context.polledJobs.delete(`${tenant} ${job.id}`);
      // The dataset of an image that somebody waited for goes with it.
      if (job.interactive) await releaseQuietly(context.usage.releaseDataset(tenant, job.dataset));
      response.status(204).end();
    }),
    route(jobOperations.get, async ({ tenant, params, response }) => {
      const read = () => findJob(context, tenant, params.job);
      const job = await findPolledJob(context, tenant, params.job);
      const status = await statusOf(context, job, read);
      if (!isFinal(status.state)) response.set('Retry-After', pollSeconds);
      response.json(status);
    }),
    route(jobOperations.images, async ({ tenant, params, query, response }) => {
      const job = await findJob(context, tenant, params.job);
      response.json(await listImages(context, tenant, job, query));
    }),
  ];
}

type MadeSecret = { readonly webhookSecret?: string };

/** A secret for a webhook that was given none. */
const secretFor = ({ webhook }: JobRequest): MadeSecret =>
  webhook === undefined || webhook.secret !== undefined
    ? {}
    : { webhookSecret: newWebhookSecret() };

const withSecret = (asked: JobRequest, { webhookSecret }: MadeSecret): JobRequest =>
  asked.webhook === undefined || webhookSecret === undefined
    ? asked
    : { ...asked, webhook: { ...asked.webhook, secret: webhookSecret } };

/** @throws {AppError} `not_found` */
export async function findJob(
  { store }: ApiServices,
  tenant: string,
  id: string,
): Promise<JobRecord> {
  const job = await findJobRecord(store, tenant, id);
  if (job === null) throw notFound(`Unknown job '${id}'`);
  return job;
}

/** As `findJob`, for those who ask again and again: many polls of a job share one reading of its record. */
async function findPolledJob(context: ApiServices, tenant: string, id: string): Promise<JobRecord> {
  const name = `${tenant} ${id}`;
  const known = context.polledJobs.get(name);
  if (known !== undefined) return known;
  const sinceMs = performance.now();
  const job = await findJob(context, tenant, id);
  context.polledJobs.set(name, job, sinceMs);
  return job;
}
