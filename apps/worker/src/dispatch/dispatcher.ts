import { type ShardQueue, shardQueues } from '@umbra/platform/queues/queues';
import type { JobLive, Progress } from '@umbra/platform/redis/job-progress';
import { keys } from '@umbra/platform/store/keys';
import type { JobRecord } from '@umbra/shared/contracts/job';
import { isRetryable, reportError } from '@umbra/shared/errors';
import { createRoundRobin, type RoundRobin } from '@umbra/shared/scheduling/deficit-round-robin';
import { failJob } from '../jobs/job-record.js';
import type { WorkerServices } from '../services.js';
import { decide } from './decide.js';
import type { FleetSnapshot } from './fleet-snapshot.js';
import { type Launch, launchImages } from './launch.js';
import type { Entry } from './manifest-reader.js';
import {
  end,
  finalize,
  findLost,
  forget,
  loadJob,
  openReader,
  pause,
  resume,
  start,
  validate,
} from './steps.js';
import { type Ready, takeTurns } from './take-turns.js';
import { type LoadedJob, newTrackedJob, type TrackedJob } from './tracked-job.js';
import type { Window } from './window.js';

/** Of an image whose size is not known, before the first is finished. */
const assumedPositions = 200;
/** Seconds a position where no model was measured. */
const assumedSecondsPerPosition = 0.02;
const retryMs = 1_000;
/** From a job's mark to its record at most. */
const unmadeMs = 60_000;
/** A job whose images are in flight and do not finish for this long is looked into. */
const lostMs = 5_000;
/** Of all manifests together, and of one. */
const readAheadBytes = 8 * 1024 * 1024;
const maxReadAheadBytes = 256 * 1024;
const minReadAheadBytes = 8 * 1024;

/** Shares the fleet's queues between all jobs. Its state can be lost: all of it is read again. */
export type Dispatcher = {
  /** Look at every job once. @returns How many images were queued. */
  tick(snapshot: FleetSnapshot): Promise<number>;
  /** Resolves when no change of a job's state is under way. */
  settle(): Promise<void>;
};

export function createDispatcher(services: WorkerServices): Dispatcher {
  const { store, progress, logger, config } = services;
  const trackedJobs = new Map<string, TrackedJob>();
  const robins = new Map<string, RoundRobin>();
  const background = new Set<Promise<void>>();

  /** Slow work beside the loop; a fault of the store has it done again, anything else fails the job. */
  const change = (tracked: TrackedJob, work: () => Promise<void>): void => {
    tracked.isBusy = true;
    const done = work()
      .catch((error: unknown) => giveUp(tracked, error))
      .finally(() => {
        tracked.isBusy = false;
        background.delete(done);
      });
    background.add(done);
  };
  const giveUp = async (tracked: TrackedJob, error: unknown): Promise<void> => {
    const { tenant, jobId } = tracked;
    tracked.notBeforeMs = Date.now() + retryMs;
    if (isRetryable(error)) {
      logger.warn(
        { jobId, error: reportError(error) },
        'a step of a job failed; it is tried again',
      );
      return;
    }
    try {
      if ((await store.head(keys.job(tenant, jobId))) === null) {
        // Its mark is written first. One that was withdrawn, or never made, has nobody to be told.
        if (Date.now() < tracked.sinceMs + unmadeMs) return;
        await store.delete(keys.activeJob(tenant, jobId));
        await progress.unregister(jobId);
      } else await failJob(services, tenant, jobId, reportError(error));
      trackedJobs.delete(jobId);
    } catch (reason) {
      logger.warn({ jobId, error: reportError(reason) }, 'a job could not be ended');
    }
  };

  const meet = async (): Promise<void> => {
    const registered = await progress.listRegistered();
    for (const [jobId, { isBusy }] of trackedJobs) {
      if (!registered.has(jobId) && !isBusy) trackedJobs.delete(jobId);
    }
    for (const [jobId, tenant] of registered) {
      if (!trackedJobs.has(jobId)) trackedJobs.set(jobId, newTrackedJob(tenant, jobId, Date.now()));
    }
  };

  /** @returns The jobs whose images may be queued now. */
  const advance = (tracked: LoadedJob, live: JobLive, snapshot: FleetSnapshot): Ready | null => {
    const nowMs = Date.now();
    const decision = decide(tracked.job, live, nowMs);
    switch (decision.do) {
      case 'forget':
        change(tracked, async () => {
          if (await forget(services, tracked)) trackedJobs.delete(tracked.jobId);
        });
        return null;
      case 'validate':
        change(tracked, () => validate(services, tracked));
        return null;
      case 'start':
        change(tracked, () => start(services, tracked));
        return null;
      case 'pause':
        change(tracked, () => pause(services, tracked));
        return null;
      case 'resume':
        change(tracked, () => resume(services, tracked));
        return null;
      case 'end':
        change(tracked, () => end(services, tracked, decision.ending));
        return null;
      case 'finalize':
        change(tracked, () => finalize(services, tracked));
        return null;
      case 'wait':
        return null;
      case 'dispatch': {
        if (isStuck(tracked, live, nowMs)) {
          change(tracked, () => findLost(services, tracked, sizingOf(tracked, snapshot)));
          return null;
        }
        tracked.reader ??= openReader(
          services,
          tracked,
          live.progress?.cursor ?? { index: 0, offset: 0 },
        );
        const { reader } = tracked;
        if (reader.peek() === undefined && !reader.isAtEnd()) {
          const share = Math.floor(readAheadBytes / trackedJobs.size);
          const bytes = Math.max(minReadAheadBytes, Math.min(maxReadAheadBytes, share));
          change(tracked, () => reader.readAhead(bytes));
          return null;
        }
        return {
          tracked,
          live,
          cost: secondsOf(tracked.job, live.progress, snapshot.secondsPerPosition),
        };
      }
    }
  };

  return {
    async tick(snapshot) {
      await meet();
      const nowMs = Date.now();
      const idle = [...trackedJobs.values()].filter(
        (tracked) => !tracked.isBusy && tracked.notBeforeMs <= nowMs,
      );
      for (const tracked of idle.filter(({ job }) => job === undefined)) {
        change(tracked, () => loadJob(services, tracked));
      }
      const known = [...trackedJobs.values()].filter(
        (tracked): tracked is LoadedJob => tracked.job !== undefined,
      );
      const lives = await progress.readAll(known.map(({ jobId }) => jobId));
      const windows = openWindows(snapshot, config.UMBRA_WINDOW_IMAGES);
      const ready: Ready[] = [];
      for (const [at, tracked] of known.entries()) {
        const live = lives[at];
        if (live === undefined) continue;
        const window = windows[tracked.loaded.queue][kindOf(tracked.job)];
        window.images += live.inFlight;
        window.seconds +=
          live.inFlight * secondsOf(tracked.job, live.progress, snapshot.secondsPerPosition);
        if (tracked.isBusy || tracked.notBeforeMs > nowMs) continue;
        const able = advance(tracked, live, snapshot);
        if (able?.tracked.reader?.peek() !== undefined) ready.push(able);
      }
      let launched = 0;
      for (const queue of Object.keys(shardQueues) as ShardQueue[]) {
        for (const kind of kinds) {
          const name = `${queue} ${kind}`;
          const robin = robins.get(name) ?? createRoundRobin();
          robins.set(name, robin);
          const mine = ready.filter(
            ({ tracked }) => tracked.loaded.queue === queue && kindOf(tracked.job) === kind,
          );
          const taken = takeTurns(mine, robin, windows[queue][kind], snapshot.weightOf);
          try {
            launched += await launch(services, taken, snapshot);
          } catch (error) {
            // What was read ahead may not be in flight: it is read again from where Redis knows of.
            for (const { tracked } of taken.keys()) delete tracked.reader;
            throw error;
          }
        }
      }
      return launched;
    },
    async settle() {
      await Promise.allSettled(background);
    },
  };
}

/** What somebody waits for does not wait for room among batches, and has a window of its own. */
const kinds = ['interactive', 'batch'] as const;
type Kind = (typeof kinds)[number];
const kindOf = ({ interactive }: JobRecord): Kind => (interactive ? 'interactive' : 'batch');
const minInteractive = 4;

type Windows = Record<ShardQueue, Record<Kind, Window>>;

function openWindows({ inferenceThreads }: FleetSnapshot, maxImages: number): Windows {
  const open = (queue: ShardQueue): Record<Kind, Window> => {
    const empty = { inferenceThreads: inferenceThreads[queue], images: 0, seconds: 0 };
    const most = Math.max(minInteractive, 2 * inferenceThreads[queue]);
    return { interactive: { ...empty, maxImages: most }, batch: { ...empty, maxImages } };
  };
  return { shard: open('shard'), shardTfjs: open('shardTfjs') };
}

/** What one thread needs for an image of a job, as far as is known. */
function secondsOf(
  { positionsPerImage, model }: JobRecord,
  live: Progress | null,
  secondsPerPosition: ReadonlyMap<string, number>,
): number {
  const { completed = 0, positions = 0 } = live ?? {};
  const measured = completed > 0 ? positions / completed : assumedPositions;
  const throughput = secondsPerPosition.get(model.name) ?? assumedSecondsPerPosition;
  return Math.max(1e-6, (positionsPerImage ?? measured) * throughput);
}

function isStuck(tracked: TrackedJob, { progress, inFlight }: JobLive, nowMs: number): boolean {
  const finished = (progress?.completed ?? 0) + (progress?.failed ?? 0);
  if (inFlight === 0 || finished !== tracked.finished) {
    tracked.finished = finished;
    tracked.finishedChangedMs = nowMs;
    return false;
  }
  if (nowMs - tracked.finishedChangedMs < lostMs) return false;
  tracked.finishedChangedMs = nowMs;
  return true;
}

const sizingOf = (
  { job, loaded }: LoadedJob,
  { inferenceThreads, secondsPerPosition }: FleetSnapshot,
) => ({
  inferenceThreads: inferenceThreads[loaded.queue],
  secondsPerPosition: secondsPerPosition.get(job.model.name) ?? null,
});

async function launch(
  services: WorkerServices,
  taken: ReadonlyMap<Ready, readonly Entry[]>,
  snapshot: FleetSnapshot,
): Promise<number> {
  const launches: Launch[] = [];
  let images = 0;
  for (const [{ tracked, live }, entries] of taken) {
    const { tenant, job, loaded, reader } = tracked;
    const started = live.progress?.cursor.index ?? 0;
    const imagesLeft = Math.max(1, job.counts.total - started);
    if (reader === undefined) continue;
    await services.progress.launch(
      job.id,
      entries.map(({ at }) => at),
      reader.position(),
    );
    const items = entries.map(({ item }) => item);
    const sizing = sizingOf(tracked, snapshot);
    launches.push({ tenant, job, bundle: loaded.bundle, items, imagesLeft, ...sizing });
    images += items.length;
  }
  await launchImages(services, launches);
  return images;
}
