import { createJournal, type Journal, type JournalEntry, lastCheckpoint } from '@umbra/datasets';
import { mapInOrder } from '@umbra/shared/concurrency';
import { hasCode } from '@umbra/shared/errors';
import type { SourceIngest } from './source-ingest.js';

/** Images that are read, hashed and decoded at once; each of them is in memory meanwhile. */
const imagesAtOnce = 4;
const segmentEntries = 5_000;
const segmentBytes = 256 * 1024 * 1024;

/** One item of a source, and the checkpoint after it. */
export type SourceItem<C> = {
  readonly examine: () => JournalEntry | Promise<JournalEntry>;
  readonly next: C;
};

/** A source that can be read from any of its checkpoints on. */
export type ResumableSource<C> = {
  readonly start: C;
  itemsFrom(checkpoint: C): AsyncIterable<SourceItem<C>>;
};

/**
 * Examine a source's items in order, and commit their entries and the checkpoint to the journal.
 *
 * @throws {AppError} `quota_exceeded`, with what fitted in the journal; what `assertActive` throws.
 */
export async function journalSource<C extends Record<string, unknown>>(
  { location, id, meter, assertActive }: SourceIngest,
  source: ResumableSource<C>,
): Promise<void> {
  const last = await lastCheckpoint(location, id);
  const journal = createJournal(location, id, last?.index);
  let checkpoint = { ...source.start, ...last?.next } as C;
  const admit = async (room: Promise<void>): Promise<void> => {
    await room.catch(async (error: unknown) => {
      if (hasCode(error, 'quota_exceeded') && journal.pending().length > 0)
        await journal.commit(checkpoint);
      throw error;
    });
  };
  for await (const { entry, next } of examineAll(source.itemsFrom(checkpoint))) {
    const room = entry.item === undefined ? undefined : meter.take(entry.item.bytes);
    // Awaited by one line in a thousand: a promise for each would cost more than the line.
    if (room !== undefined) await admit(room);
    journal.add(entry);
    checkpoint = next;
    if (!isSegmentFull(journal)) continue;
    await journal.commit(checkpoint);
    await assertActive();
  }
  if (journal.pending().length > 0) await journal.commit(checkpoint);
}

const examineAll = <C>(items: AsyncIterable<SourceItem<C>>) =>
  mapInOrder(items, { atOnce: imagesAtOnce }, ({ examine, next }) => {
    const entry = examine();
    return entry instanceof Promise
      ? entry.then((examined) => ({ entry: examined, next }))
      : { entry, next };
  });

const isSegmentFull = (journal: Journal): boolean =>
  journal.pending().length >= segmentEntries || journal.pendingTotals().bytes >= segmentBytes;
