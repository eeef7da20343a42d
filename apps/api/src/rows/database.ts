import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance, DuckDBValue } from '@duckdb/node-api';
import { makeTemporaryFolder, removeDeadFolders } from '@umbra/platform/temporary-folders';
import { unavailable } from '@umbra/shared/errors';

export type DatabaseOptions = {
  /** Folder that the database's own folder is made in. */
  readonly parent: string;
  readonly memoryMb: number;
  /** Disk for what does not fit into memory. */
  readonly spillMb: number;
  readonly threads: number;
};

/** Rows that one page may have, and one more that tells whether there is a next one. */
const maxPageRows = 1_001;

/** Values that take the places of `?`. */
export type Values = readonly (string | number | boolean | null)[];

/** One connection, whose statements run one after another. */
export type Session = {
  run(sql: string, values?: Values): Promise<void>;
  /** @returns Rows of values in the order of the columns. */
  read(sql: string, values?: Values): Promise<DuckDBValue[][]>;
};

/** A database of this process alone, gone with it; no statement reaches beyond its folder. */
export type RowDatabase = {
  readonly folder: string;
  /**
   * Use a connection of its own.
   *
   * @throws The signal's reason, whatever runs then; `unavailable` where memory or disk is short.
   */
  within<T>(signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

/** Quote a text for SQL. */
export const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
/** Quote a name for SQL. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Open an empty database. What dead processes left beside it is removed. */
export async function openDatabase(options: DatabaseOptions): Promise<RowDatabase> {
  const { parent, memoryMb, spillMb, threads } = options;
  await mkdir(parent, { recursive: true });
  await removeDeadFolders(parent);
  const folder = await makeTemporaryFolder('rows', parent);
  // Loaded once it is needed: an API that nobody asks for rows does without its memory.
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(threads),
    memory_limit: `${memoryMb}MiB`,
    temp_directory: join(folder, 'spill'),
    max_temp_directory_size: `${spillMb}MiB`,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    // A page's rows are found by the columns that it takes, and of the others only their places are read.
    late_materialization_max_rows: String(maxPageRows),
    dynamic_or_filter_threshold: String(maxPageRows),
  });
  await confine(instance, folder);
  return {
    folder,
    within: (signal, work) => within(instance, signal, work),
    async close() {
      instance.closeSync();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Keep a database to its folder, for good. */
async function confine(instance: DuckDBInstance, folder: string): Promise<void> {
  const connection = await instance.connect();
  try {
    await connection.run(`SET allowed_directories = [${quote(folder)}]`);
    await connection.run('SET enable_external_access = false');
    await connection.run('SET lock_configuration = true');
  } finally {
    connection.closeSync();
  }
}

/** Interval at which a statement is told to end. */
const interruptMs = 20;

async function within<T>(
  instance: DuckDBInstance,
  signal: AbortSignal,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const connection = await instance.connect();
  // Again and again: a statement that is about to begin does not hear of an interrupt before that.
  let interrupting: NodeJS.Timeout | undefined;
  const interrupt = () => {
    connection.interrupt();
    interrupting = setInterval(() => connection.interrupt(), interruptMs);
  };
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    return await work(sessionOf(connection, signal));
  } catch (error) {
    signal.throwIfAborted();
    throw isShort(error)
      ? unavailable('Memory or disk for rows is short: ask again', error)
      : error;
  } finally {
    signal.removeEventListener('abort', interrupt);
    clearInterval(interrupting);
    connection.closeSync();
  }
}

const sessionOf = (connection: DuckDBConnection, signal: AbortSignal): Session => ({
  async run(sql, values = []) {
    // An interrupt ends what runs, and nothing that is begun after it.
    signal.throwIfAborted();
    await connection.run(sql, [...values]);
  },
  async read(sql, values = []) {
    signal.throwIfAborted();
    return (await connection.runAndReadAll(sql, [...values])).getRows();
  },
});

/** Whether memory, the disk or its share for what does not fit into memory is used up; other faults of files are none. */
const isShort = (error: unknown): boolean =>
  error instanceof Error &&
  /^Out of Memory Error|^IO Error.*(No space left|Disk quota|max_temp_directory_size)/s.test(
    error.message,
  );
