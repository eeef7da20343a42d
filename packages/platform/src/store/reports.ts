import type { Reference } from '@umbra/shared/contracts/reference';
import {
  type ReportRequest,
  type ReportStatus,
  type RequestedReport,
  reportStatus,
  requestedReport,
} from '@umbra/shared/contracts/report';
import { type Trial, trial } from '@umbra/shared/contracts/trial';
import { hasCode } from '@umbra/shared/errors';
import type { z } from 'zod';
import { deleteFolder } from './delete-all.js';
import { findJson, putJson } from './json.js';
import { keys } from './keys.js';
import type { ObjectStore } from './store.js';

/**
 * Ask for the report of a job; a newer request replaces an older one, and a run of that ends. The step
 * writes a status of its own beside it, so that neither writer undoes what the other wrote.
 */
export async function requestReport(
  store: ObjectStore,
  { tenant, id }: Reference,
  request: ReportRequest,
): Promise<ReportStatus> {
  const requested: RequestedReport = {
    version: 1,
    request,
    requestedAt: new Date().toISOString(),
  };
  await store.put(keys.pendingReport(tenant, id), '');
  await putJson(store, keys.reportRequest(tenant, id), requested);
  // Again: a run of an older request may have ended in between, and taken it.
  await store.put(keys.pendingReport(tenant, id), '');
  return statusOf(store, { tenant, id }, requested);
}

/** Read a record of which a damaged one is as good as none: it would be in the way of a new one for ever. */
const findWhole = <T extends z.ZodType>(
  store: ObjectStore,
  key: string,
  schema: T,
): Promise<z.output<T> | null> =>
  findJson(store, key, schema).catch((error: unknown) => {
    if (hasCode(error, 'integrity')) return null;
    throw error;
  });

/** @returns null where none is asked for, or it was deleted, or is damaged. */
export const readReportRequest = (
  store: ObjectStore,
  { tenant, id }: Reference,
): Promise<RequestedReport | null> =>
  findWhole(store, keys.reportRequest(tenant, id), requestedReport);

/** @returns null where no report is asked for, or it was deleted. */
export async function readReportStatus(
  store: ObjectStore,
  job: Reference,
): Promise<ReportStatus | null> {
  const requested = await readReportRequest(store, job);
  return requested && statusOf(store, job, requested);
}

/** What the step says of a request: nothing yet where it last wrote of an older one. */
export async function statusOf(
  store: ObjectStore,
  { tenant, id }: Reference,
  { request, requestedAt }: RequestedReport,
): Promise<ReportStatus> {
  const told = await findWhole(store, keys.reportStatus(tenant, id), reportStatus);
  if (told?.requestedAt === requestedAt) return told;
  return {
    version: 1,
    job: id,
    state: 'queued',
    request,
    requestedAt,
    startedAt: null,
    writtenAt: told?.writtenAt ?? null,
    completedAt: null,
    stage: null,
    progress: { done: 0, total: 0 },
    error: null,
  };
}

/** Delete a report; a run of it ends within seconds, and then deletes what it had still written. */
export async function deleteReport(store: ObjectStore, { tenant, id }: Reference): Promise<void> {
  await store.delete(keys.reportRequest(tenant, id));
  await store.delete(keys.pendingReport(tenant, id));
  await deleteFolder(store, keys.reportFiles(tenant, id));
}

/** Delete what a run wrote after its report was deleted, and nothing of a request that came since. */
export async function deleteLateFiles(
  store: ObjectStore,
  { tenant, id }: Reference,
): Promise<void> {
  const request = keys.reportRequest(tenant, id);
  if ((await store.head(request)) !== null) return;
  for await (const { key } of store.list(keys.reportFiles(tenant, id)))
    if (key !== request) await store.delete(key);
}

/** Store a new trial. From here on its step alone writes the record. */
export async function putNewTrial(store: ObjectStore, tenant: string, made: Trial): Promise<void> {
  await store.put(keys.pendingTrial(tenant, made.job, made.id), '');
  await putJson(store, keys.trial(tenant, made.job, made.id), made);
  // Again: the step takes a marker that has no trial yet, which a dispatcher may have found in between.
  await store.put(keys.pendingTrial(tenant, made.job, made.id), '');
}

/** @returns null where there is none, or it is damaged. */
export const readTrial = (
  store: ObjectStore,
  { tenant, id }: Reference,
  name: string,
): Promise<Trial | null> => findWhole(store, keys.trial(tenant, id, name), trial);

/** Tell a trial's step to end it, which it does within seconds; one that has ended stays as it is. */
export const cancelTrial = (
  store: ObjectStore,
  { tenant, id }: Reference,
  name: string,
): Promise<void> => store.put(keys.trialCancellation(tenant, id, name), '');
