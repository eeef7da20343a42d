import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { Refusal } from '@umbra/shared/contracts/dataset';
import { type ErrorCode, hasCode, reportError } from '@umbra/shared/errors';
import { createJournal, type Journal, type JournalEntry, newStreamId } from './journal.js';
import { assertName, folderLabel } from './names.js';
import { examine, type Facts, readLimited, tooLarge, type UploadLimits } from './photo.js';
import type { Sink } from './sink.js';

export type DatasetWriterOptions = {
  readonly store: ObjectStore;
  readonly tenant: string;
  readonly dataset: string;
  readonly limits: UploadLimits;
  /** Whether an image's label is the name of its folder. */
  readonly labels: 'folder' | null;
  /** Stream of the journal; a new one when left out. */
  readonly stream?: string;
  /** A source that goes on: files that are in the journal already, and its next segment. */
  readonly done?: { readonly files: number; readonly index: number };
  /** Whether segments say how many files were taken, to go on there. */
  readonly isSource?: boolean;
  /** Asked before an image is stored, one at a time; what it throws, as where a quota is full, ends the intake. */
  readonly admit?: (bytes: number) => Promise<void> | undefined;
  /** Called after each segment; what it throws ends the intake. */
  readonly onCommit?: () => Promise<void>;
};

export type Tally = {
  images: number;
  bytes: number;
  refused: number;
  /** The first ones; all are in the journal. */
  readonly refusals: Refusal[];
};

/** Takes files in: checks each, stores its content once, and keeps a journal. */
export type DatasetWriter = Sink & {
  readonly journal: Journal;
  readonly tally: Tally;
  /** Wait for what was begun. @throws What a store says. */
  settle(): Promise<void>;
  /** Write down what was taken in. */
  commit(): Promise<void>;
};

/** What is no fault of a file: all of it is to be tried again. */
const endsWriting = new Set<ErrorCode>([
  'unavailable',
  'internal',
  'quota_exceeded',
  'request_timeout',
  'deadline_exceeded',
  'cancelled',
]);
const listedRefusals = 100;
/** A process that dies loses no more than this from its journal; the images are in the store. */
const segmentEntries = 200;
const segmentBytes = 64 * 1024 * 1024;
/** Decoding and storing overlap; files of at most this many bytes wait in memory. */
const filesAtOnce = 4;
const bytesAtOnce = 64 * 1024 * 1024;

export function createDatasetWriter(options: DatasetWriterOptions): DatasetWriter {
  const { store, tenant, dataset, limits, labels, done } = options;
  const journal = createJournal(options, options.stream ?? newStreamId(), done?.index);
  const tally: Tally = { images: 0, bytes: 0, refused: 0, refusals: [] };
  const stored = new Set<string>();
  let skipped = done?.files ?? 0;
  let files = skipped;
  let running = 0;
  let runningBytes = 0;
  let failure: { readonly error: unknown } | undefined;
  /** Entries reach the journal in the order of their files. */
  let tail: Promise<void> = Promise.resolve();
  let wake: (() => void) | undefined;

  const commit = async (): Promise<void> => {
    if (journal.pending().length === 0) return;
    await journal.commit(options.isSource ? { files } : undefined);
    await options.onCommit?.();
  };
  const record = async (entry: JournalEntry): Promise<void> => {
    journal.add(entry);
    files += 1;
    if (entry.refusal !== undefined) {
      tally.refused += 1;
      if (tally.refusals.length < listedRefusals) tally.refusals.push(entry.refusal);
    } else {
      tally.images += 1;
      tally.bytes += entry.item?.bytes ?? 0;
    }
    const { bytes } = journal.pendingTotals();
    if (journal.pending().length >= segmentEntries || bytes >= segmentBytes) await commit();
  };
  const keep = async ({ sha256, bytes }: Facts, content: Buffer): Promise<void> => {
    if (stored.has(sha256)) return;
    const key = keys.image(tenant, dataset, sha256);
    if ((await store.head(key))?.bytes !== bytes) await store.put(key, content);
    if (stored.size > 100_000) stored.clear();
    stored.add(sha256);
  };
  let admission: Promise<void> = Promise.resolve();
  /** Files are admitted in their order: where a quota is full, those before are in, and none after. */
  const admit = (examined: Promise<Facts>): Promise<Facts> => {
    examined.catch(() => undefined);
    const admitted = admission.then(async () => {
      const facts = await examined;
      await options.admit?.(facts.bytes);
      return facts;
    });
    admission = admitted.then(
      () => undefined,
      // What is no image takes no place; anything else ends it for all that follow.
      (error: unknown) => {
        if (!hasCode(error) || endsWriting.has(error.code)) throw error;
      },
    );
    admission.catch(() => undefined);
    return admitted;
  };
  const take = async (name: string, content: Buffer): Promise<JournalEntry> => {
    try {
      const label = labels === 'folder' ? folderLabel(name) : undefined;
      const facts = await admit(examine(content, limits));
      await keep(facts, content);
      return { item: { name, ...facts, ...(label === undefined ? {} : { label }) }, once: true };
    } catch (error) {
      return { refusal: refusalOf(name, error) };
    }
  };
  const queue = (bytes: number, work: Promise<JournalEntry>): void => {
    running += 1;
    runningBytes += bytes;
    work.catch(() => undefined);
    tail = tail
      .then(async () => {
        // Also after a failure: what is being stored must have ended before it can be cleared away.
        const entry = await work;
        if (failure === undefined) await record(entry);
      })
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => {
        running -= 1;
        runningBytes -= bytes;
        wake?.();
      });
  };
  const room = async (): Promise<void> => {
    while (running >= filesAtOnce || (running > 0 && runningBytes >= bytesAtOnce)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (failure !== undefined) throw failure.error;
  };
  /** @returns Whether the journal has the file already. */
  const skip = (): boolean => {
    if (skipped === 0) return false;
    skipped -= 1;
    return true;
  };
  const refuse = async (name: string, error: unknown): Promise<void> => {
    await room();
    queue(0, Promise.resolve({ refusal: refusalOf(name, error) }));
  };

  return {
    journal,
    tally,
    commit,
    async settle() {
      await tail;
      if (failure !== undefined) throw failure.error;
    },
    async refuse(name, error) {
      if (!skip()) await refuse(name, error);
    },
    async add(name, open, bytes = 0) {
      if (skip()) return;
      let content: Buffer;
      try {
        assertName(name);
        if (bytes > limits.maxBytes) throw tooLarge(limits.maxBytes, bytes);
        await room();
        content = await readLimited(await open(), limits);
      } catch (error) {
        // A file of an archive that cannot be read; the archive's reader knows what that means.
        if (failure !== undefined || !hasCode(error)) throw error;
        return refuse(name, error);
      }
      queue(content.length, take(name, content));
    },
  };
}

/** @throws Faults of ours: they are no fault of the file, and all of it is to be tried again. */
function refusalOf(name: string, error: unknown): Refusal {
  if (!hasCode(error) || endsWriting.has(error.code)) throw error;
  return { name: name === '' ? '(no name)' : name.slice(0, 200), error: reportError(error) };
}
