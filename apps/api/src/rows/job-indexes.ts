import type { Logger } from '@umbra/platform/telemetry/logger';
import type { JobRecord } from '@umbra/shared/contracts/job';
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
 * not asked for longest go first. They go with the process.
 */
export type JobIndexes = {
  /**
   * Use a job's index, once it holds what is known of the job now.
   *
   * @throws {AppError} As `JobIndex.fill`; `unavailable` beyond the turns, or where Redis or the store is away.
   */
  use<T>(caller: TurnRequest, job: JobRecord, work: (index: OpenIndex) => Promise<T>): Promise<T>;
  /** Remove the index of a job that was deleted. */
  forget(tenant: string, jobId: string): Promise<void>;
  close(): Promise<void>;
};

type Entry = {
  readonly index: JobIndex;
  readonly work: SharedWork;
  users: number;
  usedMs: number;
  updatedMs: number;
};

export type IndexesServices = RowIndexServices & {
  readonly config: Readonly<ApiConfig>;
  readonly turns: ApiTurns;
  readonly logger: Logger;
};

const mebibyte = 1024 * 1024;
/** A running job's index is brought up to date this often, if it is asked. */
const updateMs = 1_000;
/** An index that nobody asked for so long is removed, whatever room there is. */
const idleMs = 3_600_000;
const idleCheckMs = 60_000;

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
  const entryOf = (database: RowDatabase, tenant: string, jobId: string): Entry => {
    const name = nameOf(tenant, jobId);
    const known = entries.get(name);
    if (known !== undefined) return known;
    opened += 1;
    const index = createJobIndex(services, database, { tenant, schema: `job${opened}` });
    const entry = { index, work: createSharedWork(), users: 0, usedMs: 0, updatedMs: 0 };
    entries.set(name, entry);
    return entry;
  };
  const remove = async (name: string, { index }: Entry): Promise<void> => {
    entries.delete(name);
    await index.remove();
  };
  /** Remove what was not asked for longest, until the others fit. */
  const evict = async (): Promise<void> => {
    const unused = [...entries]
      .filter(([, { users }]) => users === 0)
      .sort(([, a], [, b]) => a.usedMs - b.usedMs);
    let bytes = 0;
    for (const { index } of entries.values()) bytes += await index.bytes();
    for (const [name, entry] of unused) {
      if (bytes <= maxBytes && Date.now() - entry.usedMs < idleMs) continue;
      // Somebody may have asked for it meanwhile.
      if (entry.users > 0 || entries.get(name) !== entry) continue;
      bytes -= await entry.index.bytes();
      await remove(name, entry);
    }
  };
  const evictQuietly = (): Promise<void> =>
    evict().catch((error: unknown) => logger.warn({ reason: String(error) }, 'rows not removed'));
  const timer = setInterval(() => void evictQuietly(), idleCheckMs).unref();
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
        entry.users -= 1;
      }
    });
  const bringUpToDate = async (
    entry: Entry,
    caller: TurnRequest,
    job: JobRecord,
  ): Promise<void> => {
    const { index } = entry;
    const { tenant } = caller;
    if (!index.isOf(job)) {
      await share(entry, caller, async (signal) => {
        if (index.isOf(job)) return;
        await turns.fills.run({ tenant, signal }, () => index.fill(job, signal));
      });
    }
    if (index.isComplete() || Date.now() - entry.updatedMs < updateMs) return;
    await share(entry, caller, (signal) =>
      turns.queries.run({ tenant, signal }, () => index.update(job, signal)),
    );
  };
  return {
    async use(caller, job, work) {
      const database = await open();
      const entry = entryOf(database, caller.tenant, job.id);
      entry.users += 1;
      try {
        await bringUpToDate(entry, caller, job);
        const { within, folder } = database;
        const table = `${entry.index.schema}.rows`;
        return await turns.queries.run(caller, () => work({ within, folder, table }));
      } finally {
        entry.users -= 1;
        entry.usedMs = Date.now();
        if (entry.users === 0) void evictQuietly();
      }
    },
    async forget(tenant, jobId) {
      const name = nameOf(tenant, jobId);
      const entry = entries.get(name);
      if (entry !== undefined && entry.users === 0) await remove(name, entry);
    },
    async close() {
      clearInterval(timer);
      await (await opening)?.close();
    },
  };
}
