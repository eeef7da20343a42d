import { type ShardQueue, shardQueues } from '@umbra/platform/queues/queues';
import type { JobLive, Progress } from '@umbra/platform/redis/job-progress';
import { keys } from '@umbra/platform/store/keys';
import type { JobRecord } from '@umbra/shared/contracts/job';
import { hasCode, reportError } from '@umbra/shared/errors';
import { createRoundRobin, type RoundRobin } from '@umbra/shared/scheduling/deficit-round-robin';
import { failJob } from '../jobs/job-record.js';
import type { Context } from '../services.js';
import { decide } from './decide.js';
import type { Outlook } from './fleet-snapshot.js';
import { type Launch, launchImages } from './launch.js';
import type { Entry } from './manifest-reader.js';
import {
  end,
  finalize,
  findLost,
  forget,
  loadRun,
  openReader,
  pause,
  resume,
  start,
  validate,
} from './steps.js';
import { type Ready, takeTurns } from './take-turns.js';
import { type LoadedRun, newRun, type Run } from './tracked-job.js';
import type { Window } from './window.js';

/** Of an image whose size is not known, before the first is finished. */
const assumedPositions = 200;
/** Seconds a position where no model was measured. */
const assumedPace = 0.02;
const retryMs = 1_000;
/** From a job's mark to its record at most. */
const unmadeMs = 60_000;
/** A job whose images are in flight and do not finish for this long is looked into. */
const lostMs = 5_000;
/** Of all manifests together, and of one. */
const readAheadBytes = 8 * 1024 * 1024;
const mostReadAheadBytes = 256 * 1024;
const leastReadAheadBytes = 8 * 1024;

/** Shares the fleet's queues between all jobs. Its state can be lost: all of it is read again. */
export type Dispatcher = {
  /** Look at every job once. @returns How many images were queued. */
  tick(outlook: Outlook): Promise<number>;
  /** Resolves when no change of a job's state is under way. */
  settle(): Promise<void>;
};

export function createDispatcher(context: Context): Dispatcher {
  const { store, progress, logger, config } = context;
  const runs = new Map<string, Run>();
  const robins = new Map<string, RoundRobin>();
  const background = new Set<Promise<void>>();

  /** Slow work beside the loop; a fault of the store has it done again, anything else fails the job. */
  const change = (run: Run, work: () => Promise<void>): void => {
    run.isBusy = true;
    const done = work()
      .catch((error: unknown) => giveUp(run, error))
      .finally(() => {
        run.isBusy = false;
        background.delete(done);
      });
    background.add(done);
  };
  const giveUp = async (run: Run, error: unknown): Promise<void> => {
    const { tenant, jobId } = run;
    run.notBeforeMs = Date.now() + retryMs;
    if (!hasCode(error) || ['unavailable', 'internal'].includes(error.code)) {
      logger.warn(
        { jobId, error: reportError(error) },
        'a step of a job failed; it is tried again',
      );
      return;
    }
    try {
      if ((await store.head(keys.job(tenant, jobId))) === null) {
        // Its mark is written first. One that was withdrawn, or never made, has nobody to be told.
        if (Date.now() < run.sinceMs + unmadeMs) return;
        await store.delete(keys.activeJob(tenant, jobId));
        await progress.unregister(jobId);
      } else await failJob(context, tenant, jobId, reportError(error));
      runs.delete(jobId);
    } catch (reason) {
      logger.warn({ jobId, error: reportError(reason) }, 'a job could not be ended');
    }
  };

  const meet = async (): Promise<void> => {
    const registered = await progress.listRegistered();
    for (const [jobId, { isBusy }] of runs) {
      if (!registered.has(jobId) && !isBusy) runs.delete(jobId);
    }
    for (const [jobId, tenant] of registered) {
      if (!runs.has(jobId)) runs.set(jobId, newRun(tenant, jobId, Date.now()));
    }
  };

  /** @returns The jobs whose images may be queued now. */
  const advance = (run: LoadedRun, live: JobLive, outlook: Outlook): Ready | null => {
    const nowMs = Date.now();
    const decision = decide(run.job, live, nowMs);
    switch (decision.do) {
      case 'forget':
        change(run, async () => {
          if (await forget(context, run)) runs.delete(run.jobId);
        });
        return null;
      case 'validate':
        change(run, () => validate(context, run));
        return null;
      case 'start':
        change(run, () => start(context, run));
        return null;
      case 'pause':
        change(run, () => pause(context, run));
        return null;
      case 'resume':
        change(run, () => resume(context, run));
        return null;
      case 'end':
        change(run, () => end(context, run, decision.ending));
        return null;
      case 'finalize':
        change(run, () => finalize(context, run));
        return null;
      case 'wait':
        return null;
      case 'dispatch': {
        if (isStuck(run, live, nowMs)) {
          change(run, () => findLost(context, run, sizingOf(run, outlook)));
          return null;
        }
        run.reader ??= openReader(context, run, live.progress?.cursor ?? { index: 0, offset: 0 });
        const { reader } = run;
        if (reader.peek() === undefined && !reader.isAtEnd()) {
          const share = Math.floor(readAheadBytes / runs.size);
          const bytes = Math.max(leastReadAheadBytes, Math.min(mostReadAheadBytes, share));
          change(run, () => reader.readAhead(bytes));
          return null;
        }
        return { run, live, cost: secondsOf(run.job, live.progress, outlook.paces) };
      }
    }
  };

  return {
    async tick(outlook) {
      await meet();
      const nowMs = Date.now();
      const idle = [...runs.values()].filter((run) => !run.isBusy && run.notBeforeMs <= nowMs);
      for (const run of idle.filter(({ job }) => job === undefined)) {
        change(run, () => loadRun(context, run));
      }
      const known = [...runs.values()].filter((run): run is LoadedRun => run.job !== undefined);
      const lives = await progress.readAll(known.map(({ jobId }) => jobId));
      const windows = openWindows(outlook, config.UMBRA_WINDOW_IMAGES);
      const ready: Ready[] = [];
      for (const [at, run] of known.entries()) {
        const live = lives[at];
        if (live === undefined) continue;
        const window = windows[run.loaded.queue][kindOf(run.job)];
        window.images += live.inFlight;
        window.seconds += live.inFlight * secondsOf(run.job, live.progress, outlook.paces);
        if (run.isBusy || run.notBeforeMs > nowMs) continue;
        const able = advance(run, live, outlook);
        if (able?.run.reader?.peek() !== undefined) ready.push(able);
      }
      let launched = 0;
      for (const queue of Object.keys(shardQueues) as ShardQueue[]) {
        for (const kind of kinds) {
          const name = `${queue} ${kind}`;
          const robin = robins.get(name) ?? createRoundRobin();
          robins.set(name, robin);
          const mine = ready.filter(
            ({ run }) => run.loaded.queue === queue && kindOf(run.job) === kind,
          );
          const taken = takeTurns(mine, robin, windows[queue][kind], outlook.weightOf);
          try {
            launched += await launch(context, taken, outlook);
          } catch (error) {
            // What was read ahead may not be in flight: it is read again from where Redis knows of.
            for (const { run } of taken.keys()) delete run.reader;
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
const leastInteractive = 4;

type Windows = Record<ShardQueue, Record<Kind, Window>>;

function openWindows({ lanes }: Outlook, mostImages: number): Windows {
  const open = (queue: ShardQueue): Record<Kind, Window> => {
    const empty = { lanes: lanes[queue], images: 0, seconds: 0 };
    const most = Math.max(leastInteractive, 2 * lanes[queue]);
    return { interactive: { ...empty, mostImages: most }, batch: { ...empty, mostImages } };
  };
  return { shard: open('shard'), shardTfjs: open('shardTfjs') };
}

/** What one thread needs for an image of a job, as far as is known. */
function secondsOf(
  { positionsPerImage, model }: JobRecord,
  live: Progress | null,
  paces: ReadonlyMap<string, number>,
): number {
  const { completed = 0, positions = 0 } = live ?? {};
  const measured = completed > 0 ? positions / completed : assumedPositions;
  const pace = paces.get(model.name) ?? assumedPace;
  return Math.max(1e-6, (positionsPerImage ?? measured) * pace);
}

function isStuck(run: Run, { progress, inFlight }: JobLive, nowMs: number): boolean {
  const finished = (progress?.completed ?? 0) + (progress?.failed ?? 0);
  if (inFlight === 0 || finished !== run.finished) {
    run.finished = finished;
    run.finishedChangedMs = nowMs;
    return false;
  }
  if (nowMs - run.finishedChangedMs < lostMs) return false;
  run.finishedChangedMs = nowMs;
  return true;
}

const sizingOf = ({ job, loaded }: LoadedRun, { lanes, paces }: Outlook) => ({
  lanes: lanes[loaded.queue],
  secondsPerPosition: paces.get(job.model.name) ?? null,
});

async function launch(
  context: Context,
  taken: ReadonlyMap<Ready, readonly Entry[]>,
  outlook: Outlook,
): Promise<number> {
  const launches: Launch[] = [];
  let images = 0;
  for (const [{ run, live }, entries] of taken) {
    const { tenant, job, loaded, reader } = run;
    const started = live.progress?.cursor.index ?? 0;
    const imagesLeft = Math.max(1, job.counts.total - started);
    if (reader === undefined) continue;
    await context.progress.launch(
      job.id,
      entries.map(({ at }) => at),
      reader.position(),
    );
    const items = entries.map(({ item }) => item);
    const sizing = sizingOf(run, outlook);
    launches.push({ tenant, job, bundle: loaded.bundle, items, imagesLeft, ...sizing });
    images += items.length;
  }
  await launchImages(context, launches);
  return images;
}
