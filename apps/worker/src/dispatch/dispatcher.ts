import type { ShardQueue } from '@umbra/platform/queues/names';
import type { JobLive } from '@umbra/platform/redis/job-progress';
import { at } from '@umbra/shared/assert';
import { createRoundRobin, type RoundRobin } from '@umbra/shared/scheduling/deficit-round-robin';
import { decide } from './decide.js';
import { capacityFor, estimateImageSeconds } from './estimate-cost.js';
import type { FleetSnapshot } from './fleet-snapshot.js';
import { type Launch, launchImages } from './launch.js';
import { type ManifestEntry, openManifest } from './manifest-reader.js';
import {
  openWindows,
  type QueueWindows,
  shardQueueNames,
  type WindowKind,
  windowKindOf,
  windowKinds,
} from './queue-window.js';
import { type ReadyJob, takeTurns } from './take-turns.js';
import { isIdle, isLoaded, isStuck, type LoadedJob } from './tracked-job.js';
import { createTrackedJobs, type TrackedJobs } from './tracked-jobs.js';
import { loadJob } from './transitions/load-job.js';
import { requeueLost } from './transitions/requeue-lost.js';
import { runTransition, type TransitionServices } from './transitions/run-transition.js';

/** Bytes of all manifests together that are read ahead, and limits of one job's part of them. */
const readAheadBytes = 8 * 1024 * 1024;
const maxReadAheadBytes = 256 * 1024;
const minReadAheadBytes = 8 * 1024;

/** Shares the fleet's queues between all jobs. Its state can be lost: all of it is read again. */
export type Dispatcher = {
  /** Visit every job once. @returns How many images were queued. */
  tick(snapshot: FleetSnapshot): Promise<number>;
  /** Resolves when no transition is in progress. */
  settle(): Promise<void>;
};

export function createDispatcher(services: TransitionServices): Dispatcher {
  const { progress, config } = services;
  const trackedJobs = createTrackedJobs(services);
  const robins = openRobins();
  return {
    async tick(snapshot) {
      await trackedJobs.sync();
      for (const tracked of trackedJobs.all()) {
        if (isLoaded(tracked) || !isIdle(tracked, Date.now())) continue;
        trackedJobs.change(tracked, () => loadJob(services, tracked));
      }
      const loaded = trackedJobs.all().filter(isLoaded);
      const lives = await progress.readAll(loaded.map(({ jobId }) => jobId));
      const visits = loaded.map((tracked, index) => ({ tracked, live: at(lives, index) }));
      const windows = openWindows(snapshot, config.UMBRA_WINDOW_IMAGES);
      for (const visit of visits) addToWindow(windows, visit, snapshot);
      const ready = visits
        .filter(({ tracked }) => isIdle(tracked, Date.now()))
        .map((visit) => advance(services, trackedJobs, visit, snapshot))
        .filter((job) => job !== null);
      return launchReady(services, { ready, robins, windows, snapshot });
    },
    settle: () => trackedJobs.settle(),
  };
}

/** A loaded job and its progress, as one tick has read them. */
type Visit = { readonly tracked: LoadedJob; readonly live: JobLive };

/** Count a job's images that are in flight. */
function addToWindow(
  windows: QueueWindows,
  { tracked: { job, loaded }, live }: Visit,
  snapshot: FleetSnapshot,
): void {
  const window = windows[loaded.queue][windowKindOf(job)];
  window.images += live.inFlight;
  window.seconds += live.inFlight * estimateImageSeconds(job, live.progress, snapshot);
}

/** Begin the transition that a job is due, if any. @returns The job if it has an image to queue. */
function advance(
  services: TransitionServices,
  trackedJobs: TrackedJobs,
  { tracked, live }: Visit,
  snapshot: FleetSnapshot,
): ReadyJob | null {
  const nowMs = Date.now();
  const decision = decide(tracked.job, live, nowMs);
  if (decision.do === 'wait') return null;
  if (decision.do !== 'dispatch') {
    trackedJobs.change(tracked, async () => {
      if ((await runTransition(services, tracked, decision)) === 'forget')
        trackedJobs.forget(tracked);
    });
    return null;
  }
  if (isStuck(tracked, live, nowMs)) {
    const capacity = capacityFor(tracked, snapshot);
    trackedJobs.change(tracked, () => requeueLost(services, tracked, capacity));
    return null;
  }
  // null of a job that was lost with Redis is started again before.
  const cursor = live.progress?.cursor ?? { index: 0, offset: 0 };
  tracked.reader ??= openManifest(services, tracked, cursor);
  const { reader } = tracked;
  if (reader.peek() !== undefined) {
    return { tracked, live, cost: estimateImageSeconds(tracked.job, live.progress, snapshot) };
  }
  if (!reader.isAtEnd()) {
    const bytes = readAheadFor(trackedJobs.all().length);
    trackedJobs.change(tracked, () => reader.readAhead(bytes));
  }
  return null;
}

const readAheadFor = (jobs: number): number =>
  Math.max(minReadAheadBytes, Math.min(maxReadAheadBytes, Math.floor(readAheadBytes / jobs)));

/** Turns are kept between ticks, for each queue and kind of job. */
type Robins = Readonly<Record<ShardQueue, Readonly<Record<WindowKind, RoundRobin>>>>;

const openRobins = (): Robins => ({
  shard: { interactive: createRoundRobin(), batch: createRoundRobin() },
  shardTfjs: { interactive: createRoundRobin(), batch: createRoundRobin() },
});

type Turn = {
  readonly ready: readonly ReadyJob[];
  readonly robins: Robins;
  readonly windows: QueueWindows;
  readonly snapshot: FleetSnapshot;
};

/** Queue images of the ready jobs while the windows have room. @returns How many were queued. */
async function launchReady(
  services: TransitionServices,
  { ready, robins, windows, snapshot }: Turn,
): Promise<number> {
  let launched = 0;
  for (const queue of shardQueueNames) {
    for (const kind of windowKinds) {
      const candidates = ready.filter(
        ({ tracked }) => tracked.loaded.queue === queue && windowKindOf(tracked.job) === kind,
      );
      const taken = takeTurns(
        candidates,
        robins[queue][kind],
        windows[queue][kind],
        snapshot.weightOf,
      );
      try {
        launched += await launchTaken(services, taken, snapshot);
      } catch (error) {
        // Images that were taken may not be in flight: they are read again from the stored cursor.
        for (const { tracked } of taken.keys()) delete tracked.reader;
        throw error;
      }
    }
  }
  return launched;
}

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
  }
  await launchImages(services, launches);
  return images;
}
