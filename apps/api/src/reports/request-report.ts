import { isDeepStrictEqual } from 'node:util';
import { findLayer } from '@umbra/engine';
import { describeSetAside } from '@umbra/platform/redis/losses';
import { keys } from '@umbra/platform/store/keys';
import { readReportStatus, requestReport } from '@umbra/platform/store/reports';
import type { JobRecord } from '@umbra/shared/contracts/job';
import type { ReportRequest, ReportStatus } from '@umbra/shared/contracts/report';
import { AppError, invalidInput } from '@umbra/shared/errors';
import type { Caller } from '../http/operation.js';
import { findJob } from '../jobs/find-job.js';
import { type JobStatusServices, statusOf } from '../jobs/job-status.js';
import { readSetAside } from '../models/set-aside.js';
import { useStoredNetwork } from '../models/use-stored-network.js';
import type { ApiServices } from '../services.js';
import { queueReport, type ReportQueueServices } from './queue-work.js';

type RequestServices = Pick<ApiServices, 'store' | 'turns' | 'modelFolders' | 'losses'> &
  JobStatusServices &
  ReportQueueServices;

/**
 * Ask for a job's report. The same request joins the report that is being made; another one replaces it, and
 * one for a report that was made has it made anew, of the images that have ended by then.
 *
 * @throws {AppError} `conflict` for a job that can have none, or none yet; `invalid_input` and `not_found` for
 *   other jobs whose maps cannot be held against this job's; `not_found` for a layer that its model does not have.
 */
export async function askForReport(
  services: RequestServices,
  caller: Caller,
  job: JobRecord,
  request: ReportRequest,
): Promise<ReportStatus> {
  const { store } = services;
  const { tenant } = caller;
  await checkJob(services, tenant, job);
  await checkOthers(services, tenant, job, request.others);
  if (request.patches > 0 || request.checkedImages > 0) await checkSetAside(services, job);
  if (request.layer !== undefined) await checkLayer(services, caller, job, request.layer);
  const reference = { tenant, id: job.id };
  const known = await readReportStatus(store, reference);
  const isBeingMade = known?.state === 'queued' || known?.state === 'running';
  const isKnown = isBeingMade && isDeepStrictEqual(known.request, request);
  const status = isKnown ? known : await requestReport(store, reference, request);
  await queueReport(services, reference, !isKnown);
  return status;
}

/** @throws {AppError} `conflict` if there is nothing to report of. */
async function checkJob(services: RequestServices, tenant: string, job: JobRecord): Promise<void> {
  if (job.interactive) {
    throw new AppError(
      'conflict',
      `Job '${job.id}' is of one image, which tells nothing of others`,
    );
  }
  await checkDataset(services, tenant, job);
  const { state, counts } = await statusOf(services, tenant, job);
  if (counts.completed === 0) {
    throw new AppError('conflict', `Job '${job.id}' is ${state}, and has no finished image`);
  }
}

/** @throws {AppError} `conflict` if its photos are gone. */
export async function checkDataset(
  { store }: Pick<ApiServices, 'store'>,
  tenant: string,
  { id, dataset }: JobRecord,
): Promise<void> {
  if ((await store.head(keys.dataset(tenant, dataset))) !== null) return;
  throw new AppError('conflict', `Dataset '${dataset}' of job '${id}' was deleted`);
}

/** @throws {AppError} `conflict` for a model at whose images processes ended: a report or a trial would end more. */
export async function checkSetAside(
  { losses }: Pick<ApiServices, 'losses'>,
  { model: { name, digest } }: JobRecord,
): Promise<void> {
  const found = (await readSetAside(losses)).get(digest);
  if (found !== undefined) throw new AppError('conflict', describeSetAside(name, found.aside));
}

async function checkOthers(
  services: Pick<ApiServices, 'store'>,
  tenant: string,
  job: JobRecord,
  others: ReportRequest['others'],
): Promise<void> {
  if (new Set([job.id, ...others]).size <= others.length) {
    throw invalidInput(`others: Expected jobs other than '${job.id}', each once`);
  }
  const found = await Promise.all(others.map((id) => findJob(services, tenant, id)));
  for (const { id, dataset, model } of found) {
    if (dataset === job.dataset && model.digest === job.model.digest) continue;
    throw invalidInput(
      `others: Expected jobs on dataset '${job.dataset}' with this job's model '${job.model.name}', got '${id}' on '${dataset}' with '${model.name}'`,
    );
  }
}

/** @throws {AppError} `not_found` with the layers that there are. */
async function checkLayer(
  services: RequestServices,
  caller: Caller,
  { model }: JobRecord,
  layer: string,
): Promise<void> {
  const { tenant, signal } = caller;
  await services.turns.drawings.run(caller, () =>
    useStoredNetwork(services, { tenant, ...model }, { signal }, async ({ network }) => {
      findLayer(network.graph, layer);
    }),
  );
}
