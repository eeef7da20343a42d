import { findJobRecord } from '@umbra/platform/store/job-records';
import { jobEntryOfKey, keys } from '@umbra/platform/store/keys';
import { listFolders } from '@umbra/platform/store/list-folders';
import type { ObjectStore } from '@umbra/platform/store/store';
import { type JobRecord, type JobStatus, jobId, jobState } from '@umbra/shared/contracts/job';
import { invalidInput } from '@umbra/shared/errors';
import { z } from 'zod';
import type { Page } from '../http/pages.js';
import type { ApiServices } from '../services.js';
import { type JobStatusServices, statusOf } from './job-status.js';

/** Query for a page of a tenant's jobs. */
export const jobsQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().max(100).optional(),
  /** `id`: in the order of their ids, which are random; `newest`: those made last first. */
  order: z.enum(['id', 'newest']).default('id'),
  /** State of the jobs listed; such a page may hold fewer than its limit, and have a next one. */
  state: jobState.optional(),
  /** Text that a listed job's id, dataset, model or metadata has, in capitals or not; pages as by state. */
  text: z.string().min(1).max(200).optional(),
});

export type JobsQuery = z.output<typeof jobsQuery>;

/** Whether a page is made of those jobs that a filter lets through, of any number that are read. */
export const isFiltered = ({ state, text }: JobsQuery): boolean =>
  state !== undefined || text !== undefined;

type ListServices = Pick<ApiServices, 'store'> & JobStatusServices;

/** A job's place in an order. */
type JobPlace = {
  readonly id: string;
  /** The cursor after it. */
  readonly cursor: string;
  /** When its entry was written, ms since the epoch; null where it is found by its own folder. */
  readonly createdMs: number | null;
};

/** Maximum number of jobs that are read for one page of those that a filter lets through. */
const maxScanned = 500;
const readsAtOnce = 20;
/** An entry is written before its job's record, some milliseconds. */
const strayMs = 3_600_000;

/**
 * List a page of a tenant's jobs. A job deleted meanwhile is left out.
 *
 * A page under a filter may hold fewer than `limit`, even none, and have a next one.
 *
 * @throws {AppError} `invalid_input` for a cursor that is none of this order.
 */
export async function listJobs(
  services: ListServices,
  tenant: string,
  query: JobsQuery,
): Promise<Page<JobStatus>> {
  const { limit, cursor, order } = query;
  const { store } = services;
  const scans = isFiltered(query);
  const maxLooked = scans ? maxScanned : limit;
  const places = order === 'newest' ? newest(store, tenant, cursor) : byId(store, tenant, cursor);
  const data: JobStatus[] = [];
  let looked = 0;
  let last: JobPlace | undefined;
  let next = await places.next();
  let isFull = false;
  while (!next.done && !isFull && looked < maxLooked) {
    const batch: JobPlace[] = [];
    const room = Math.min(scans ? readsAtOnce : limit, maxLooked - looked);
    for (; !next.done && batch.length < room; next = await places.next()) batch.push(next.value);
    const read = await Promise.all(batch.map((place) => readJob(services, tenant, place, query)));
    for (const [index, status] of read.entries()) {
      isFull = data.length === limit;
      if (isFull) break;
      looked += 1;
      last = batch[index];
      if (status !== null) data.push(status);
    }
  }
  await places.return(undefined);
  const hasMore = isFull || !next.done;
  return { data, next_cursor: hasMore ? (last?.cursor ?? null) : null };
}

async function* byId(
  store: ObjectStore,
  tenant: string,
  cursor?: string,
): AsyncGenerator<JobPlace> {
  if (cursor !== undefined && !jobId.safeParse(cursor).success) throw noCursor();
  for await (const id of listFolders(store, keys.jobs(tenant), cursor)) {
    yield { id, cursor: id, createdMs: null };
  }
}

/** The index holds the newest first. */
async function* newest(
  store: ObjectStore,
  tenant: string,
  cursor?: string,
): AsyncGenerator<JobPlace> {
  const prefix = keys.jobIndex(tenant);
  const entry = cursor === undefined ? undefined : Buffer.from(cursor, 'base64url').toString();
  if (entry !== undefined && !/^\d{14}-job_[0-9a-z]{20}$/.test(entry)) throw noCursor();
  for await (const { key } of store.list(
    prefix,
    entry === undefined ? {} : { after: prefix + entry },
  )) {
    const { id, createdMs } = jobEntryOfKey(key);
    yield { id, createdMs, cursor: Buffer.from(key.slice(prefix.length)).toString('base64url') };
  }
}

const noCursor = () => invalidInput('cursor: Expected a next_cursor');

/** @returns null for a job that is gone, or that the filters keep out. */
async function readJob(
  services: ListServices,
  tenant: string,
  { id, createdMs }: JobPlace,
  { state, text }: JobsQuery,
): Promise<JobStatus | null> {
  const { store } = services;
  const job = await findJobRecord(store, tenant, id);
  if (job === null) {
    // A process ended between the two writes: nothing else would take the entry away.
    if (createdMs !== null && Date.now() - createdMs > strayMs) {
      const createdAt = new Date(createdMs).toISOString();
      await store.delete(keys.jobEntry(tenant, { id, createdAt }));
    }
    return null;
  }
  if (text !== undefined && !hasText(job, text)) return null;
  const status = await statusOf(services, tenant, job);
  return state === undefined || status.state === state ? status : null;
}

function hasText({ id, dataset, model, metadata }: JobRecord, text: string): boolean {
  const wanted = text.toLowerCase();
  const words = [id, dataset, model.name, ...Object.entries(metadata).flat()];
  return words.some((word) => word.toLowerCase().includes(wanted));
}
