import { findJobRecord } from '@umbra/platform/store/job-records';
import { matchKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import { at } from '@umbra/shared/assert';
import { isFinal, type JobStatus } from '@umbra/shared/contracts/job';
import type { JobWait, QueuedJob, QueueReport } from '@umbra/shared/contracts/queue';
import { type JobStatusServices, statusOf } from '../jobs/job-status.js';
import type { ApiServices } from '../services.js';

type QueuedJobServices = JobStatusServices & Pick<ApiServices, 'store'>;

/** Jobs that are read for one report. */
const maxListed = 50;
/** Markers of unfinished jobs that are looked at: a page of S3. */
const maxCounted = 1_000;

/**
 * List a tenant's unfinished jobs, those that have waited longest first, each with what it waits for. Costs
 * one listing of at most a thousand names, and reads fifty records, however many jobs there are.
 */
export async function listQueuedJobs(
  services: QueuedJobServices,
  tenant: string,
): Promise<Pick<QueueReport, 'jobs' | 'unlisted'>> {
  const { ids, isCounted } = await listUnfinished(services, tenant);
  const listed = ids.slice(0, maxListed);
  const [records, lives, workers] = await Promise.all([
    Promise.all(listed.map((id) => findJobRecord(services.store, tenant, id))),
    services.progress.readAll(listed),
    services.workerRegistry.listAtWork(),
  ]);
  const atWork = new Set(workers.flatMap(({ running }) => running.map(({ job }) => job)));
  const jobs: QueuedJob[] = [];
  for (const [index, record] of records.entries()) {
    // A marker goes a moment after its job has ended, and comes a moment before its record.
    if (record === null || isFinal(record.state)) continue;
    const live = at(lives, index);
    const status = await statusOf(services, tenant, record, live);
    jobs.push({
      id: status.id,
      state: status.state,
      model: status.model.name,
      createdAt: status.createdAt,
      counts: status.counts,
      imagesInFlight: live.inFlight,
      waitsFor: waitOf(status, { inFlight: live.inFlight, isAtWork: atWork.has(status.id) }),
    });
  }
  return { jobs, unlisted: isCounted ? ids.length - listed.length : null };
}

/** List the ids of a tenant's unfinished jobs by their markers, the oldest marker first. */
async function listUnfinished({ store }: Pick<ApiServices, 'store'>, tenant: string) {
  const found: { readonly id: string; readonly sinceMs: number }[] = [];
  let isCounted = true;
  for await (const { key, modifiedMs } of store.list(keys.activeJobs(tenant))) {
    if (found.length === maxCounted) {
      isCounted = false;
      break;
    }
    const marked = matchKey('activeJob', key);
    if (marked !== null) found.push({ id: marked.id, sinceMs: modifiedMs });
  }
  const ids = found.toSorted((a, b) => a.sinceMs - b.sinceMs).map(({ id }) => id);
  return { ids, isCounted };
}

type JobWork = { readonly inFlight: number; readonly isAtWork: boolean };

/** Say what an unfinished job waits for; null where something of it is run, or it is about to end. */
export function waitOf(
  { state, waitingFor }: Pick<JobStatus, 'state' | 'waitingFor'>,
  { inFlight, isAtWork }: JobWork,
): JobWait | null {
  if (state === 'paused') return { for: 'resume', words: 'somebody to resume it' };
  if (waitingFor !== null) return { for: 'worker', words: waitingFor };
  if (state === 'validating') return { for: 'dataset', words: 'its dataset to be complete' };
  if (isAtWork || (state !== 'queued' && state !== 'in_progress')) return null;
  const words =
    inFlight === 0
      ? 'its turn: images of other jobs are queued first'
      : `a free inference thread: ${inFlight === 1 ? 'an image of it is' : `${inFlight} images of it are`} queued`;
  return { for: 'turn', words };
}
