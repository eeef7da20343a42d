import { deleteFolder } from '@umbra/platform/store/delete-all';
import { keys } from '@umbra/platform/store/keys';
import { hasCode, isRetryable, reportError } from '@umbra/shared/errors';
import { type StopFailedServices, stopFailed } from '../jobs/stop-failed.js';
import { newTrackedJob, type TrackedJob } from './tracked-job.js';

const retryMs = 1_000;
/** How long a running job waits for what the store lacks. */
const lackingMs = 15_000;
/** Maximum time between the marker of a new job and its record. */
const recordDelayMs = 60_000;

/** The jobs that one dispatcher tracks, bounded by the jobs that are registered in Redis. */
export type TrackedJobs = {
  all(): readonly TrackedJob[];
  /** Track the jobs that are registered, and no others. */
  sync(): Promise<void>;
  /**
   * Run a transition beside the loop. After a retryable failure it is repeated; any other fails the
   * job.
   */
  change(tracked: TrackedJob, transition: () => Promise<void>): void;
  forget(tracked: TrackedJob): void;
  /** Resolves when no transition is in progress. */
  settle(): Promise<void>;
};

export function createTrackedJobs(services: StopFailedServices): TrackedJobs {
  const trackedJobs = new Map<string, TrackedJob>();
  const transitions = new Set<Promise<void>>();
  const forget = ({ jobId }: TrackedJob): void => void trackedJobs.delete(jobId);
  return {
    all: () => [...trackedJobs.values()],
    async sync() {
      const registered = await services.progress.listRegistered();
      for (const tracked of trackedJobs.values()) {
        if (!registered.has(tracked.jobId) && !tracked.isBusy) forget(tracked);
      }
      for (const [jobId, tenant] of registered) {
        if (!trackedJobs.has(jobId)) {
          trackedJobs.set(jobId, newTrackedJob(tenant, jobId, Date.now()));
        }
      }
    },
    change(tracked, transition) {
      tracked.isBusy = true;
      const done = transition()
        .then(() => {
          delete tracked.lackingSinceMs;
        })
        .catch(async (error: unknown) => {
          if ((await giveUp(services, tracked, error)) === 'forget') forget(tracked);
        })
        .finally(() => {
          tracked.isBusy = false;
          transitions.delete(done);
        });
      transitions.add(done);
    },
    forget,
    async settle() {
      await Promise.allSettled(transitions);
    },
  };
}

/** Fail the job of a transition that failed, unless a retry may help. Never rejects. */
async function giveUp(
  services: StopFailedServices,
  tracked: TrackedJob,
  error: unknown,
): Promise<'keep' | 'forget'> {
  const { logger } = services;
  const { jobId } = tracked;
  tracked.notBeforeMs = Date.now() + retryMs;
  if (isRetryable(error) || mayComeBack(tracked, error)) {
    logger.warn({ jobId, error: reportError(error) }, 'job transition failed');
    return 'keep';
  }
  try {
    return await failTracked(services, tracked, error);
  } catch (reason) {
    logger.warn({ jobId, error: reportError(reason) }, 'job not ended');
    return 'keep';
  }
}

/** Whether a running job may go on in a moment: what the store had at its start cannot be missing for good. */
function mayComeBack(tracked: TrackedJob, error: unknown): boolean {
  const isLacking = hasCode(error, 'not_found') || hasCode(error, 'integrity');
  if (!isLacking || (tracked.job?.startedAt ?? null) === null) return false;
  tracked.lackingSinceMs ??= Date.now();
  return Date.now() < tracked.lackingSinceMs + lackingMs;
}

async function failTracked(
  services: StopFailedServices,
  tracked: TrackedJob,
  error: unknown,
): Promise<'keep' | 'forget'> {
  const { store, progress } = services;
  const { tenant, jobId, sinceMs, hasRecord } = tracked;
  if ((await store.head(keys.job(tenant, jobId))) !== null) {
    // The record was written after loadJob() looked for it: the next load finds it.
    if (!hasRecord && hasCode(error, 'not_found')) return 'keep';
    if (await stopFailed(services, { tenant, id: jobId }, reportError(error))) return 'forget';
    // Read again: the archive's step writes the record from here on.
    delete tracked.job;
    delete tracked.reader;
    return 'keep';
  }
  // The marker is written before the record. A job without one was withdrawn or never made.
  if (Date.now() < sinceMs + recordDelayMs) return 'keep';
  await deleteFolder(store, keys.jobFiles(tenant, jobId));
  await store.delete(keys.activeJob(tenant, jobId));
  await progress.unregister(jobId);
  return 'forget';
}
