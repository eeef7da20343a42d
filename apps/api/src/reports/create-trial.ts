import { parseKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import { putNewTrial } from '@umbra/platform/store/reports';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { JobRecord } from '@umbra/shared/contracts/job';
import type { ClassReport, JobReport } from '@umbra/shared/contracts/report';
import type { Trial, TrialRequest } from '@umbra/shared/contracts/trial';
import { AppError, invalidInput } from '@umbra/shared/errors';
import { newTrialId } from '@umbra/shared/ids';
import { hasRoomBeside, placeRegion } from '@umbra/shared/occlusion/region';
import { findClass } from '@umbra/shared/report-class';
import type { ApiServices } from '../services.js';
import { findReport } from './find-report.js';
import { listTrials, maxTrials } from './list-trials.js';
import { queueTrial, type ReportQueueServices } from './queue-work.js';
import { checkDataset, checkSetAside } from './request-report.js';

/** Trials that have not ended, of a job and of a tenant. */
const maxOpen = { job: 4, tenant: 16 } as const;

/**
 * Store a trial and queue it.
 *
 * @throws {AppError} `conflict` where the job has no report, or no photos any more, or its model is set aside;
 *   `invalid_input` for a cluster or a class that its report does not have, for a name of several classes without an
 *   index, and for a region that leaves no room for the control; `quota_exceeded` where too many trials have not ended.
 */
export async function createTrial(
  services: ReportQueueServices & Pick<ApiServices, 'store' | 'losses'>,
  tenant: string,
  job: JobRecord,
  request: TrialRequest,
): Promise<Trial> {
  const { store } = services;
  const report = await findReport(store, tenant, job);
  const named = classOf(report, request.of);
  checkRoom(report, request.of);
  await checkDataset(services, tenant, job);
  await checkSetAside(services, job);
  await checkOpen(store, tenant, job.id);
  await dropOldest(store, tenant, job.id);
  const made: Trial = {
    version: 1,
    id: newTrialId(),
    job: job.id,
    model: job.model,
    request,
    state: 'queued',
    createdAt: new Date().toISOString(),
    startedAt: null,
    endedAt: null,
    progress: { done: 0, total: 0 },
    class: named,
    result: null,
    error: null,
  };
  await putNewTrial(store, tenant, made);
  await queueTrial(services, { tenant, id: job.id }, made.id);
  return made;
}

/** @returns The class whose images are covered. @throws {AppError} `invalid_input` */
function classOf({ classes, patches }: JobReport, of: TrialRequest['of']): ClassReport['class'] {
  if (of.kind === 'cluster') {
    const cluster = patches.clusters.find(({ id }) => id === of.cluster);
    if (cluster !== undefined) return cluster.class;
    throw invalidInput(
      `of.cluster: Expected one of the report's ${patches.clusters.length} clusters, got ${of.cluster}`,
    );
  }
  return findClass(classes, of);
}

/** Refuse what no worker could hold against a control. @throws {AppError} `invalid_input` */
function checkRoom({ input }: JobReport, of: TrialRequest['of']): void {
  // Inputs of several extents are each looked at when they are run.
  if (of.kind === 'cluster' || input === null) return;
  if (hasRoomBeside(placeRegion(of.region, input), input)) return;
  throw invalidInput(
    'of.region: Expected room beside the region for another one of its size, with which it is compared',
  );
}

/** @throws {AppError} `quota_exceeded` */
async function checkOpen(store: ObjectStore, tenant: string, job: string): Promise<void> {
  const open = { job: 0, tenant: 0 };
  for await (const { key } of store.list(keys.tenantTrials(tenant))) {
    open.tenant += 1;
    if (parseKey('pendingTrial', key).job === job) open.job += 1;
  }
  for (const kind of ['job', 'tenant'] as const) {
    if (open[kind] < maxOpen[kind]) continue;
    throw new AppError(
      'quota_exceeded',
      `Expected at most ${maxOpen[kind]} trials of a ${kind} at once: wait for one to end, or cancel it`,
    );
  }
}

/** Make room for one more. */
async function dropOldest(store: ObjectStore, tenant: string, job: string): Promise<void> {
  const kept = await listTrials(store, tenant, job);
  if (kept.length < maxTrials) return;
  const oldest = kept.findLast(({ endedAt }) => endedAt !== null);
  if (oldest === undefined) return;
  await store.delete(keys.trial(tenant, job, oldest.id));
  await store.delete(keys.trialCancellation(tenant, job, oldest.id));
}
