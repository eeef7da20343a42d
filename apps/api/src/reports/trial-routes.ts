import { cancelTrial, readTrial } from '@umbra/platform/store/reports';
import type { ObjectStore } from '@umbra/platform/store/store';
import { type Trial, trial, trialRequest } from '@umbra/shared/contracts/trial';
import { notFound } from '@umbra/shared/errors';
import { forCaller } from '../http/for-caller.js';
import { operation, type Route, route } from '../http/operation.js';
import { pageAnswers } from '../http/pages.js';
import { jobParam, trialParams } from '../http/params.js';
import { findJob } from '../jobs/find-job.js';
import type { ApiServices } from '../services.js';
import { createTrial } from './create-trial.js';
import { listTrials, trialPage } from './list-trials.js';
import type { ReportQueueServices } from './queue-work.js';

const content = { 'application/json': trial } as const;

export const trialOperations = {
  create: operation({
    id: 'createTrial',
    method: 'post',
    path: '/v1/jobs/{job}/trials',
    tag: 'results',
    scope: 'submit',
    summary: 'Try what covering a cluster or a region does to the images of its class',
    description:
      'The same is pasted onto images of other classes. A job keeps its last 100 trials.',
    params: jobParam,
    body: trialRequest,
    answers: {
      202: {
        description: 'The trial, which is run asynchronously: poll it',
        content,
        headers: {
          Location: 'The trial',
          'Retry-After': 'Seconds to wait before the next request',
        },
      },
    },
    problems: ['conflict', 'quota_exceeded'],
  }),
  list: operation({
    id: 'listTrials',
    method: 'get',
    path: '/v1/jobs/{job}/trials',
    tag: 'results',
    scope: 'read',
    summary: 'List the trials of a job, the newest first',
    params: jobParam,
    answers: pageAnswers(trial),
  }),
  get: operation({
    id: 'getTrial',
    method: 'get',
    path: '/v1/jobs/{job}/trials/{trial}',
    tag: 'results',
    scope: 'read',
    summary: 'Get a trial, with its result once it has ended',
    params: trialParams,
    answers: { 200: { description: 'The trial', content } },
  }),
  cancel: operation({
    id: 'cancelTrial',
    method: 'delete',
    path: '/v1/jobs/{job}/trials/{trial}',
    tag: 'results',
    scope: 'submit',
    summary: 'Cancel a trial; one that has ended stays as it is',
    params: trialParams,
    answers: { 202: { description: 'The trial, which ends soon', content } },
  }),
};

/** Routes of the trials of a job. */
export function trialRoutes(
  services: Pick<ApiServices, 'store' | 'losses'> & ReportQueueServices,
): Route[] {
  return [
    route(trialOperations.create, async ({ tenant, params, body, response }) => {
      const job = await findJob(services, tenant, params.job);
      const made = await createTrial(services, tenant, job, body);
      response.status(202).location(`/v1/jobs/${job.id}/trials/${made.id}`);
      response.set('Retry-After', '1').json(made);
    }),
    route(trialOperations.list, async (call) => {
      const { tenant, params, response } = call;
      const { store } = forCaller(services, call);
      const { id } = await findJob({ store }, tenant, params.job);
      response.json(trialPage(await listTrials(store, tenant, id)));
    }),
    route(trialOperations.get, async (call) => {
      const { tenant, params, response } = call;
      const { store } = forCaller(services, call);
      const found = await findTrial(store, tenant, params);
      if (found.endedAt === null) response.set('Retry-After', '1');
      response.json(found);
    }),
    route(trialOperations.cancel, async ({ tenant, params, response }) => {
      const { store } = services;
      const found = await findTrial(store, tenant, params);
      if (found.endedAt === null) await cancelTrial(store, { tenant, id: found.job }, found.id);
      response.status(202).json(found);
    }),
  ];
}

/** @throws {AppError} `not_found` */
async function findTrial(
  store: ObjectStore,
  tenant: string,
  { job, trial: id }: { readonly job: string; readonly trial: string },
): Promise<Trial> {
  const record = await findJob({ store }, tenant, job);
  const found = await readTrial(store, { tenant, id: record.id }, id);
  if (found === null) throw notFound(`Job '${job}' has no trial '${id}'`);
  return found;
}
