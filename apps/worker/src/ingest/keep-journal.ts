import { createJournal, type Entry, lastCheckpoint } from '@umbra/datasets';
import type { DatasetMeter } from '@umbra/platform/tenancy/dataset-meter';
import { mapInOrder } from '@umbra/shared/concurrency';
import { hasCode } from '@umbra/shared/errors';
import type { Place } from './read-source.js';

/** Images are read, hashed and decoded side by side; each of them is in memory meanwhile. */
const imagesAtOnce = 4;
const segmentEntries = 5_000;
const segmentBytes = 256 * 1024 * 1024;

/** One thing of a source, and where the source goes on after it. */
export type Step<C> = { readonly look: () => Entry | Promise<Entry>; readonly next: C };

/**
 * Look at a source's images in order, and keep the journal, with where to go on.
 *
 * @param start Where it begins.
 * @param steps The source from somewhere on.
 * @throws {AppError} `quota_exceeded`, with what fitted in the journal; what `goOn` throws.
 */
export async function keepJournal<C extends Record<string, unknown>>(
  place: Place,
  id: string,
  start: C,
  steps: (from: C) => AsyncIterable<Step<C>>,
  assertActive: () => Promise<void>,
  meter: DatasetMeter,
): Promise<void> {
  const last = await lastCheckpoint(place, id);
  const from = { ...start, ...last?.next } as C;
  const journal = createJournal(place, id, last?.index);
  const looked = mapInOrder(steps(from), { atOnce: imagesAtOnce }, ({ look, next }) => {
    const entry = look();
    return entry instanceof Promise
      ? entry.then((found) => ({ entry: found, next }))
      : { entry, next };
  });
  let next = from;
  const admit = async (room: Promise<void>): Promise<void> => {
    await room.catch(async (error: unknown) => {
      if (hasCode(error, 'quota_exceeded') && journal.pending().length > 0)
        await journal.commit(next);
      throw error;
    });
  };
  for await (const step of looked) {
    const { item } = step.entry;
    const room = item === undefined ? undefined : meter.take(item.bytes);
    // Waited for by one line in a thousand: a promise for each would cost more than the line.
    if (room !== undefined) await admit(room);
    journal.add(step.entry);
    next = step.next;
    const enough =
      journal.pending().length >= segmentEntries || journal.pendingTotals().bytes >= segmentBytes;
    if (!enough) continue;
    await journal.commit(next);
    await assertActive();
  }
  if (journal.pending().length > 0) await journal.commit(next);
}
