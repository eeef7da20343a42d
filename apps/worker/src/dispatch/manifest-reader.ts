import { Readable } from 'node:stream';
import type { Cursor } from '@umbra/platform/redis/job-progress';
import { readJsonLines } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { type DatasetItem, datasetItem } from '@umbra/shared/contracts/dataset';
import { integrity } from '@umbra/shared/errors';
import type { TenantJob } from '../jobs/job-record.js';
import type { WorkerServices } from '../services.js';

/** An item of a manifest, and where its line begins. */
export type ManifestEntry = { readonly item: DatasetItem; readonly at: Cursor };

/** Reads a manifest in chunks, and holds one chunk at a time. */
export type ManifestReader = {
  /** The next item that is not finished; undefined where `readAhead` must be called, or at the end. */
  peek(): ManifestEntry | undefined;
  take(): ManifestEntry;
  /** The cursor that the next reader begins at. */
  position(): Cursor;
  isAtEnd(): boolean;
  /** @param bytes Approximate size of the chunk. */
  readAhead(bytes: number): Promise<void>;
};

export type ManifestReaderOptions = {
  readonly store: ObjectStore;
  readonly key: string;
  readonly from: Cursor;
  /** Which of the images `[start, start + count)` need no dispatching. */
  readonly readFinished: (start: number, count: number) => Promise<readonly boolean[]>;
};

/** Open a job's manifest at a cursor, as where another dispatcher left off. */
export const openManifest = (
  { store, progress }: Pick<WorkerServices, 'store' | 'progress'>,
  { tenant, job }: TenantJob,
  from: Cursor,
): ManifestReader =>
  createManifestReader({
    store,
    key: keys.manifest(tenant, job.dataset),
    from,
    readFinished: (start, count) => progress.readFinished(job.id, start, count),
  });

export function createManifestReader(options: ManifestReaderOptions): ManifestReader {
  const { store, key, readFinished } = options;
  let ahead: ManifestEntry[] = [];
  /** End of what has been read. */
  let end = options.from;
  let isAtEnd = false;
  return {
    peek: () => ahead[0],
    take() {
      const entry = ahead.shift();
      if (entry === undefined) throw new Error('Expected an item to have been read');
      return entry;
    },
    position: () => ahead[0]?.at ?? end,
    isAtEnd: () => isAtEnd && ahead.length === 0,
    async readAhead(bytes) {
      if (ahead.length > 0 || isAtEnd) return;
      const { entries, next } = await readEntries(store, key, end, bytes);
      const finished = await readFinished(end.index, entries.length);
      ahead = entries.filter((_, at) => !finished[at]);
      isAtEnd = entries.length === 0;
      end = next;
    },
  };
}

/** The item that begins at a cursor. @throws {AppError} `integrity` if none does. */
export async function readItemAt(
  store: ObjectStore,
  key: string,
  cursor: Cursor,
): Promise<DatasetItem> {
  const { entries } = await readEntries(store, key, cursor, 4096);
  const [first] = entries;
  if (first === undefined) throw integrity(`Expected an item at byte ${cursor.offset} of '${key}'`);
  return first.item;
}

/** Read whole lines from a cursor on. */
async function readEntries(
  store: ObjectStore,
  key: string,
  from: Cursor,
  bytes: number,
): Promise<{ entries: ManifestEntry[]; next: Cursor }> {
  const { body } = await store.stream(key, { start: from.offset, end: from.offset + bytes });
  const text = Buffer.concat(await body.toArray());
  const cut = text.length < bytes ? text.length : text.lastIndexOf(10) + 1;
  // A line longer than the chunk: the line reader's limit is far larger.
  if (cut === 0 && text.length > 0) return readEntries(store, key, from, bytes * 4);
  const entries: ManifestEntry[] = [];
  let at = from;
  const lines = readJsonLines(Readable.from([text.subarray(0, cut)]), datasetItem);
  for await (const { value: item, bytes: length } of lines) {
    entries.push({ item, at });
    at = { index: at.index + 1, offset: at.offset + length };
  }
  return { entries, next: { index: at.index, offset: from.offset + cut } };
}
