import { keys } from '@umbra/platform/store/keys';
import type { Logger } from '@umbra/platform/telemetry/logger';
import { isFinal, type JobRecord } from '@umbra/shared/contracts/job';
import type { Reference } from '@umbra/shared/contracts/reference';
import type { TurnRequest } from '@umbra/shared/turns';
import type { ApiConfig } from '../config.js';
import type { ApiTurns } from '../http/turns.js';
import { openDatabase, type RowDatabase } from './database.js';
import { createJobIndex, type JobIndex, type RowIndexServices } from './job-index.js';
import { createSharedWork, type SharedWork } from './shared-work.js';

/** A job's index as a question finds it. */
export type OpenIndex = Pick<RowDatabase, 'within' | 'folder'> & {
  /** Table of its rows, in SQL. */
  readonly table: string;
};

/**
 * Indexes of the rows of jobs, made when they are asked for and kept on disk, up to a limit: those that were
 * not asked for longest go first. They go with the process, and within a minute with their job, whichever process
 * deleted it.
 */
export type JobIndexes = {
  /**
   * Use a job's index, once it holds what is known of the job now.
   *
   * @throws {AppError} As `JobIndex.fill`; `unavailable` beyond the turns, or where Redis or the store is away.
   */
  use<T>(caller: TurnRequest, job: JobRecord, work: (index: OpenIndex) => Promise<T>): Promise<T>;
  /** Use the indexes of two jobs, as `use` does, in one turn. */
  useBoth<T>(
    caller: TurnRequest,
    jobs: readonly [JobRecord, JobRecord],
    work: (index: OpenIndex, other: OpenIndex) => Promise<T>,
  ): Promise<T>;
  /** Remove the index of a job that was deleted, once nobody uses it. Never rejects. */
  forget(tenant: string, jobId: string): Promise<void>;
  close(): Promise<void>;
};

type Entry = {
  readonly job: Reference;
  readonly index: JobIndex;
  readonly work: SharedWork;
  /** What its rows are of: see `generationOf`. */
  readonly generation: number;
  users: number;
  usedMs: number;
  updatedMs: number;
  /** Whether it is found no more: the last of its users removes it. */
  isGone: boolean;
};

export type IndexesServices = RowIndexServices & {
  readonly config: Readonly<ApiConfig>;
  readonly turns: ApiTurns;
  readonly logger: Logger;
};

/** The attempt of a job whose dataset is known; 0 before that. Each has an index of its own, filled once. */
const generationOf = (job: JobRecord): number => (job.state === 'validating' ? 0 : job.attempt);

const mebibyte = 1024 * 1024;
/** A running job's index is brought up to date this often, if it is asked. */
const updateMs = 1_000;
/** An index that nobody asked for so long is removed, whatever room there is. */
const idleMs = 3_600_000;
const checkMs = 60_000;

/** @param parent Folder for the indexes of this process and others. */
export function createJobIndexes(services: IndexesServices, parent: string): JobIndexes {
  const { config, turns, logger } = services;
  const maxBytes = config.UMBRA_ROWS_MB * mebibyte;
  const entries = new Map<string, Entry>();
  let opening: Promise<RowDatabase> | undefined;
  let opened = 0;
  const open = (): Promise<RowDatabase> => {
    opening ??= openDatabase({
      parent,
      memoryMb: config.UMBRA_ROWS_MEMORY_MB,
      spillMb: config.UMBRA_ROWS_MB,
      threads: config.UMBRA_ROWS_THREADS,
    });
    opening.catch(() => {
      opening = undefined;
    });
    return opening;
  };
  const nameOf = (tenant: string, jobId: string): string => `${tenant} ${jobId}`;
  const entryOf = (database: RowDatabase, tenant: string, job: JobRecord): Entry => {
    const name = nameOf(tenant, job.id);
    const generation = generationOf(job);
    const known = entries.get(name);
    if (known?.generation === generation) return known;
    // Those who read the former one go on doing so.
    if (known !== undefined) void dismiss(name, known);
    opened += 1;
    const index = createJobIndex(services, database, { tenant, schema: `job${opened}` });
    const counts = { users: 0, usedMs: 0, updatedMs: 0 };
    const own = { job: { tenant, id: job.id }, index, work: createSharedWork() };
    const entry = { ...own, generation, ...counts, isGone: false };
    entries.set(name, entry);
    return entry;
  };
  const remove = ({ index }: Entry): Promise<void> =>
    index
      .remove()
      .catch((error: unknown) => logger.warn({ reason: String(error) }, 'rows not removed'));
  /** Have an entry found no more, and remove it once it has no users. */
  const dismiss = async (name: string, entry: Entry): Promise<void> => {
    entries.delete(name);
    entry.isGone = true;
    if (entry.users === 0) await remove(entry);
  };
  const leave = (entry: Entry): void => {
    entry.users -= 1;
    if (entry.users === 0 && entry.isGone) void remove(entry);
  };
  /** Remove what was not asked for longest, until the others fit. */
  const evict = async (): Promise<void> => {
    const sized = await Promise.all(
      [...entries].map(async ([name, entry]) => ({
        ...{ name, entry, bytes: await entry.index.bytes() },
      })),
    );
    let total = sized.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { name, entry, bytes } of sized.sort((a, b) => a.entry.usedMs - b.entry.usedMs)) {
      const isKnown = entries.get(name) === entry;
      const isKept = entry.users > 0 || (total <= maxBytes && Date.now() - entry.usedMs < idleMs);
      if (isKnown && isKept) continue;
      total -= bytes;
      // Found no more before anything is awaited: nobody begins to use it meanwhile.
      if (isKnown) await dismiss(name, entry);
    }
  };
  const evictQuietly = (): Promise<void> =>
    evict().catch((error: unknown) => logger.warn({ reason: String(error) }, 'rows not removed'));
  /** Remove the indexes of jobs that another process deleted. */
  const dropDeleted = async (): Promise<void> => {
    for (const [name, entry] of entries) {
      const { tenant, id } = entry.job;
      const isDeleted = (await services.store.head(keys.job(tenant, id))) === null;
      if (isDeleted && entries.get(name) === entry) await dismiss(name, entry);
    }
  };
  // Where the store is away, the next check finds what is gone.
  const timer = setInterval(
    () =>
      void dropDeleted()
        .catch(() => undefined)
        .then(evictQuietly),
    checkMs,
  ).unref();
  /** Work on an index with all who need it; it is in use until that ends, though they may leave. */
  const share = (
    entry: Entry,
    { signal }: TurnRequest,
    work: (signal: AbortSignal) => Promise<void>,
  ) =>
    entry.work.join(signal, async (ending) => {
      entry.users += 1;
      try {
        await work(ending);
        entry.updatedMs = Date.now();
      } finally {
        leave(entry);
      }
    });
  /** Whether an entry says what is known of a job now. Of one that has ended, that is all there is. */
  const isFresh = ({ index, updatedMs }: Entry, job: JobRecord): boolean => {
    if (!index.isOf(job)) return false;
    return index.isComplete() || (!isFinal(job.state) && Date.now() - updatedMs < updateMs);
  };
  const bringUpToDate = async (
    entry: Entry,
    caller: TurnRequest,
    job: JobRecord,
  ): Promise<void> => {
    const { index } = entry;
    const { tenant } = caller;
    // Again: what others had begun, and was shared, may be by an older record of the job.
    while (!isFresh(entry, job)) {
      await share(entry, caller, async (signal) => {
        const [kind, work] = index.isOf(job)
          ? [turns.queries, index.update]
          : [turns.fills, index.fill];
        await kind.run({ tenant, signal }, () => work(job, signal));
      });
    }
  };
  /** Keep a job's index, brought up to date, while work needs it. */
  const hold = async <T>(
    caller: TurnRequest,
    job: JobRecord,
    work: (index: OpenIndex) => Promise<T>,
  ): Promise<T> => {
    const database = await open();
    const entry = entryOf(database, caller.tenant, job);
    entry.users += 1;
    try {
      await bringUpToDate(entry, caller, job);
      const { within, folder } = database;
      return await work({ within, folder, table: `${entry.index.schema}.rows` });
    } finally {
      entry.usedMs = Date.now();
      leave(entry);
      if (entry.users === 0) void evictQuietly();
    }
  };
  return {
    use: (caller, job, work) =>
      hold(caller, job, (index) => turns.queries.run(caller, () => work(index))),
    // The turn comes last: who held one while waiting for another's index could wait for itself.
    useBoth: (caller, [job, otherJob], work) =>
      hold(caller, job, (index) =>
        hold(caller, otherJob, (other) => turns.queries.run(caller, () => work(index, other))),
      ),
    async forget(tenant, jobId) {
      const name = nameOf(tenant, jobId);
      const entry = entries.get(name);
      if (entry !== undefined) await dismiss(name, entry);
    },
    async close() {
      clearInterval(timer);
      await (await opening)?.close();
    },
  };
}
