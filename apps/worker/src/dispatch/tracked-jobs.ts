import { deleteFolder } from '@umbra/platform/store/delete-all';
import { keys } from '@umbra/platform/store/keys';
import { hasCode, isRetryable, reportError } from '@umbra/shared/errors';
import { type StopFailedServices, stopFailed } from '../jobs/stop-failed.js';
import { isIdle, isLoaded, newTrackedJob, type TrackedJob } from './tracked-job.js';

const retryMs = 1_000;
/** How long a running job waits for what the store lacks. */
const lackingMs = 15_000;
/** Maximum time between the marker of a new job and its record. */
const recordDelayMs = 60_000;

/** Every registered job is looked for this often: one of an older API tells nobody. */
const registryMs = 5_000;
/** Jobs that are told of and taken together. */
const toldAtOnce = 1_000;
/** Jobs that are told of for each that is only found: those that never rest do not starve the others. */
const toldPerFound = 8;
/** Interval of the search for jobs that are due. */
const searchMs = 250;
/** Jobs that are loaded at once. */
const loadsAtOnce = 64;

/**
 * The jobs that one dispatcher tracks, bounded by the jobs that are registered in Redis. A job is looked at
 * when it is told of or due; one that waits costs nothing meanwhile.
 */
export type TrackedJobs = {
  tenants(): ReadonlySet<string>;
  /** Learn of jobs that changed, and now and then of all that are registered. */
  sync(): Promise<void>;
  /** Take the idle jobs that were told of or are due. */
  takeDue(nowMs: number): TrackedJob[];
  /** Look at a job in the next round, or as soon as it is idle. */
  tell(tracked: TrackedJob): void;
  /**
   * Run a transition beside the loop. After a retryable failure it is repeated; any other fails the
   * job.
   */
  change(tracked: TrackedJob, transition: () => Promise<void>): void;
  forget(tracked: TrackedJob): void;
  /** Whether jobs wait to be looked at that could be. */
  hasMore(): boolean;
  /** Resolves when no transition is in progress. */
  settle(): Promise<void>;
};

/** @param onForget Told of each job that is tracked no more. */
export function createTrackedJobs(
  services: StopFailedServices,
  onForget: (forgotten: TrackedJob) => void,
): TrackedJobs {
  const trackedJobs = new Map<string, TrackedJob>();
  /** Jobs that may move: most of these come first. */
  const told = new Set<TrackedJob>();
  /** Jobs to be looked at in any case: all of them, after a takeover. */
  const found = new Set<TrackedJob>();
  const transitions = new Set<Promise<void>>();
  let hasMore = false;
  let registryAtMs = 0;
  let searchAtMs = 0;
  const forget = (tracked: TrackedJob): void => {
    trackedJobs.delete(tracked.jobId);
    told.delete(tracked);
    found.delete(tracked);
    onForget(tracked);
  };
  const tell = (tracked: TrackedJob): void => {
    if (trackedJobs.get(tracked.jobId) === tracked) told.add(tracked);
  };
  function* onlyFound(): Generator<TrackedJob> {
    // What is told of as well was taken, or cannot be now.
    for (const tracked of found) if (!told.has(tracked)) yield tracked;
  }
  function* waiting(): Generator<TrackedJob> {
    const rest = onlyFound();
    let count = 0;
    for (const tracked of told) {
      yield tracked;
      count += 1;
      if (count % toldPerFound !== 0) continue;
      const next = rest.next();
      if (next.done !== true) yield next.value;
    }
    yield* rest;
  }
  const track = (tenant: string, jobId: string): TrackedJob => {
    const tracked = newTrackedJob(tenant, jobId, Date.now());
    trackedJobs.set(jobId, tracked);
    return tracked;
  };
  const takeChanged = async (): Promise<void> => {
    for (const [jobId, tenant] of await services.progress.takeChanged(toldAtOnce)) {
      const known = trackedJobs.get(jobId);
      if (tenant !== null) tell(known ?? track(tenant, jobId));
      else if (known !== undefined && !known.isBusy) forget(known);
    }
  };
  const readRegistry = async (): Promise<void> => {
    const registered = await services.progress.listRegistered();
    for (const tracked of trackedJobs.values()) {
      if (!registered.has(tracked.jobId) && !tracked.isBusy) forget(tracked);
    }
    const unknown = [...registered].filter(([jobId]) => !trackedJobs.has(jobId));
    for (const [jobId, tenant] of inTurns(unknown)) found.add(track(tenant, jobId));
  };
  return {
    tenants: () => new Set([...trackedJobs.values()].map(({ tenant }) => tenant)),
    async sync() {
      try {
        await takeChanged();
        if (Date.now() < registryAtMs) return;
        await readRegistry();
        registryAtMs = Date.now() + registryMs;
      } catch (error) {
        // What was taken may have been lost on its way.
        for (const tracked of trackedJobs.values()) found.add(tracked);
        throw error;
      }
    },
    takeDue(nowMs) {
      if (nowMs >= searchAtMs) {
        for (const tracked of trackedJobs.values()) if (tracked.dueMs <= nowMs) found.add(tracked);
        searchAtMs = nowMs + searchMs;
      }
      const taken: TrackedJob[] = [];
      let loads = transitions.size;
      hasMore = false;
      for (const tracked of waiting()) {
        if (!isIdle(tracked, nowMs)) continue;
        if (taken.length >= toldAtOnce || (!isLoaded(tracked) && loads >= loadsAtOnce)) {
          hasMore = true;
          continue;
        }
        if (!isLoaded(tracked)) loads += 1;
        told.delete(tracked);
        found.delete(tracked);
        taken.push(tracked);
      }
      return taken;
    },
    tell,
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
          // Where it leads to is seen at once, or at the end of the transition's own delay.
          if (tracked.dueMs <= tracked.notBeforeMs || tracked.notBeforeMs <= Date.now())
            tell(tracked);
        });
      transitions.add(done);
    },
    forget,
    hasMore: () => hasMore,
    async settle() {
      await Promise.allSettled(transitions);
    },
  };
}

/** Order jobs so that tenants take turns: one with thousands does not keep the others waiting. */
function inTurns(jobs: readonly (readonly [string, string])[]) {
  const counts = new Map<string, number>();
  const turnOf = (tenant: string): number => {
    const turn = counts.get(tenant) ?? 0;
    counts.set(tenant, turn + 1);
    return turn;
  };
  return jobs
    .map((job) => ({ job, turn: turnOf(job[1]) }))
    .sort((a, b) => a.turn - b.turn)
    .map(({ job }) => job);
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
  tracked.dueMs = tracked.notBeforeMs;
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
