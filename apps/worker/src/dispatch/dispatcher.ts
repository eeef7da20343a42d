import type { ShardQueue } from '@umbra/platform/queues/names';
import type { JobLive } from '@umbra/platform/redis/job-progress';
import { at } from '@umbra/shared/assert';
import { createLoadingCache, type LoadingCache } from '@umbra/shared/cache';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { createRoundRobin, type RoundRobin } from '@umbra/shared/scheduling/deficit-round-robin';
import { decide, graceMs } from './decide.js';
import { capacityFor, estimateImageSeconds } from './estimate-cost.js';
import type { FleetSnapshot } from './fleet-snapshot.js';
import { type Launch, launchImages } from './launch.js';
import { type ManifestEntry, openManifest } from './manifest-reader.js';
import {
  hasRoom,
  openWindows,
  shardQueueNames,
  type WindowKind,
  windowKindOf,
  windowKinds,
} from './queue-window.js';
import { createReadyJobs, type ReadyJobs } from './ready-jobs.js';
import { createRowDrains, type RowDrains } from './row-drains.js';
import { type ReadyJob, takeTurns } from './take-turns.js';
import {
  isIdle,
  isLoaded,
  isStuck,
  type LoadedJob,
  stuckMs,
  type TrackedJob,
} from './tracked-job.js';
import { createTrackedJobs, type TrackedJobs } from './tracked-jobs.js';
import { loadJob } from './transitions/load-job.js';
import { requeueLost } from './transitions/requeue-lost.js';
import { runTransition, type TransitionServices } from './transitions/run-transition.js';

/** Bytes of all manifests together that are read ahead, and limits of one job's part of them. */
const readAheadBytes = 8 * 1024 * 1024;
const maxReadAheadBytes = 256 * 1024;
const minReadAheadBytes = 8 * 1024;
/** Ready jobs whose manifests may be held read ahead. */
const maxReaders = readAheadBytes / minReadAheadBytes;
/** A job of which nothing was told is looked at again within this time, in case a note was lost. */
const lookAgainMs = 300_000;
/** Descriptions of models that are kept. */
const maxBundles = 256;

/** Shares the fleet's queues between all jobs. Its state can be lost: all of it is read again. */
export type Dispatcher = {
  /**
   * Look at the jobs that changed or are due, and queue images while there is room.
   *
   * @returns How many images were queued, and whether jobs are left to be looked at.
   */
  tick(snapshot: FleetSnapshot): Promise<{ launched: number; hasMore: boolean }>;
  /** Tenants of all jobs. */
  tenants(): ReadonlySet<string>;
  /** Resolves when no transition is in progress, and no rows are being put into the store. */
  settle(): Promise<void>;
};

type Dispatching = {
  readonly services: TransitionServices;
  readonly trackedJobs: TrackedJobs;
  readonly ready: ReadyJobs;
  /** Jobs that have images in flight, bounded by the windows. */
  readonly flying: Set<TrackedJob>;
  readonly bundles: LoadingCache<ModelBundle>;
  readonly robins: Robins;
  readonly drains: RowDrains;
};

export function createDispatcher(services: TransitionServices): Dispatcher {
  const ready = createReadyJobs();
  const flying = new Set<TrackedJob>();
  const drains = createRowDrains(services);
  const trackedJobs = createTrackedJobs(services, (forgotten) => {
    drains.forget(forgotten.jobId);
    ready.remove(forgotten);
    flying.delete(forgotten);
  });
  const dispatching: Dispatching = {
    services,
    trackedJobs,
    ready,
    flying,
    bundles: createLoadingCache({ maxEntries: maxBundles }),
    robins: openRobins(),
    drains,
  };
  return {
    async tick(snapshot) {
      await trackedJobs.sync();
      const due = trackedJobs.takeDue(Date.now());
      try {
        const lives = await services.progress.readAll(due.map(({ jobId }) => jobId));
        for (const [index, tracked] of due.entries()) {
          visit(dispatching, tracked, at(lives, index), snapshot);
        }
      } catch (error) {
        for (const tracked of due) trackedJobs.tell(tracked);
        throw error;
      }
      return {
        launched: await launchReady(dispatching, snapshot),
        hasMore: trackedJobs.hasMore(),
      };
    },
    tenants: () => trackedJobs.tenants(),
    async settle() {
      await Promise.all([trackedJobs.settle(), drains.settle()]);
    },
  };
}

/** Begin the transition that a job is due, if any, and note whether it has images to queue. */
function visit(
  dispatching: Dispatching,
  tracked: TrackedJob,
  live: JobLive,
  snapshot: FleetSnapshot,
): void {
  const { services, trackedJobs, ready, flying, bundles, drains } = dispatching;
  const nowMs = Date.now();
  tracked.live = live;
  // Spread, so that they are not all due at once.
  const drainMs = drains.visit(
    { tenant: tracked.tenant, id: tracked.jobId },
    live.undrained,
    nowMs,
  );
  tracked.dueMs = Math.min(drainMs, nowMs + lookAgainMs * (0.5 + Math.random() / 2));
  if (!isLoaded(tracked)) {
    trackedJobs.change(tracked, () => loadJob(services, tracked, bundles));
    return;
  }
  if (live.inFlight > 0) flying.add(tracked);
  else flying.delete(tracked);
  const { job } = tracked;
  const decision = decide(job, live, nowMs, snapshot.setAside.has(job.model.digest));
  if (decision.do === 'wait' || decision.do === 'dispatch') {
    tracked.dueMs = Math.min(tracked.dueMs, nextChangeMs(tracked, nowMs));
  }
  if (decision.do === 'dispatch' && !isStuck(tracked, live, nowMs)) {
    if (tracked.reader?.isAtEnd() !== true) ready.add(tracked);
    return;
  }
  ready.remove(tracked);
  if (decision.do === 'wait') return;
  if (decision.do === 'dispatch') {
    const capacity = capacityFor(tracked, snapshot);
    trackedJobs.change(tracked, () => requeueLost(services, tracked, capacity));
  } else {
    trackedJobs.change(tracked, async () => {
      if ((await runTransition(services, tracked, decision)) === 'forget')
        trackedJobs.forget(tracked);
    });
  }
}

/** When a job that waits may change though nobody tells of it, ms since the epoch. */
function nextChangeMs({ job, live }: LoadedJob, nowMs: number): number {
  const expiresMs = job.expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(job.expiresAt);
  const stuckAtMs = live.inFlight > 0 ? nowMs + stuckMs : Number.POSITIVE_INFINITY;
  const graceEndsMs =
    job.state === 'cancelling'
      ? Date.parse(job.cancellingAt ?? job.createdAt) + graceMs
      : Number.POSITIVE_INFINITY;
  return Math.min(expiresMs, stuckAtMs, graceEndsMs);
}

/** Turns are kept between ticks, for each queue and kind of job. */
type Robins = Readonly<Record<ShardQueue, Readonly<Record<WindowKind, RoundRobin>>>>;

const openRobins = (): Robins => ({
  shard: { interactive: createRoundRobin(), batch: createRoundRobin() },
  shardTfjs: { interactive: createRoundRobin(), batch: createRoundRobin() },
});

/** Queue images of the ready jobs while the windows have room. @returns How many were queued. */
async function launchReady(dispatching: Dispatching, snapshot: FleetSnapshot): Promise<number> {
  const { services, trackedJobs, ready, flying, robins } = dispatching;
  const windows = openWindows(snapshot, services.config.UMBRA_WINDOW_IMAGES);
  for (const tracked of flying) {
    if (!isLoaded(tracked)) continue;
    const { job, loaded, live } = tracked;
    const window = windows[loaded.queue][windowKindOf(job)];
    window.images += live.inFlight;
    window.seconds += live.inFlight * estimateImageSeconds(job, live.progress, snapshot);
  }
  let launched = 0;
  for (const queue of shardQueueNames) {
    for (const kind of windowKinds) {
      const window = windows[queue][kind];
      if (!hasRoom(window)) continue;
      const candidates = readAhead(dispatching, ready.next(queue, kind), snapshot);
      const taken = takeTurns(candidates, robins[queue][kind], window, snapshot.weightOf);
      try {
        launched += await launchTaken(services, taken, snapshot);
        for (const { tracked } of taken.keys()) {
          // What was queued now is not stuck since before.
          if (!flying.has(tracked)) tracked.finishedChangedMs = Date.now();
          flying.add(tracked);
          tracked.dueMs = Math.min(tracked.dueMs, Date.now() + stuckMs);
          ready.rotate(tracked);
          if (ready.count() > maxReaders) delete tracked.reader;
        }
      } catch (error) {
        for (const { tracked } of taken.keys()) {
          // Images that were taken may not be in flight: they are read again from the stored cursor.
          delete tracked.reader;
          trackedJobs.tell(tracked);
        }
        throw error;
      }
    }
  }
  return launched;
}

/** @returns The jobs of which an image is read; of the others, reading begins. */
function readAhead(
  { services, trackedJobs, ready }: Dispatching,
  jobs: readonly LoadedJob[],
  snapshot: FleetSnapshot,
): ReadyJob[] {
  const share = Math.floor(readAheadBytes / Math.min(maxReaders, Math.max(1, ready.count())));
  const bytes = Math.max(minReadAheadBytes, Math.min(maxReadAheadBytes, share));
  const candidates: ReadyJob[] = [];
  for (const tracked of jobs) {
    if (!isIdle(tracked, Date.now())) continue;
    const { job, live } = tracked;
    // null of a job that was lost with Redis is started again before.
    tracked.reader ??= openManifest(services, tracked, live.progress?.cursor ?? firstItem);
    const { reader } = tracked;
    if (reader.peek() !== undefined) {
      const cost = estimateImageSeconds(job, live.progress, snapshot);
      candidates.push({ tracked, live, cost });
    } else if (reader.isAtEnd()) ready.remove(tracked);
    else trackedJobs.change(tracked, () => reader.readAhead(bytes));
  }
  return candidates;
}

const firstItem = { index: 0, offset: 0 } as const;

async function launchTaken(
  services: TransitionServices,
  taken: ReadonlyMap<ReadyJob, readonly ManifestEntry[]>,
  snapshot: FleetSnapshot,
): Promise<number> {
  const launches: Launch[] = [];
  let images = 0;
  for (const [{ tracked, live }, entries] of taken) {
    const { tenant, job, loaded, reader } = tracked;
    if (reader === undefined) continue;
    const launchedBefore = live.progress === null ? 0 : live.progress.cursor.index;
    const imagesLeft = Math.max(1, job.counts.total - launchedBefore);
    const cursors = entries.map((entry) => entry.at);
    await services.progress.launch(job.id, cursors, reader.position());
    const items = entries.map(({ item }) => item);
    const capacity = capacityFor(tracked, snapshot);
    launches.push({ tenant, job, bundle: loaded.bundle, items, imagesLeft, ...capacity });
    images += items.length;
    tracked.live = {
      ...live,
      inFlight: live.inFlight + items.length,
      progress: live.progress && { ...live.progress, cursor: reader.position() },
    };
  }
  await launchImages(services, launches);
  return images;
}
