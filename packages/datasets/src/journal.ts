import { randomBytes } from 'node:crypto';
import { readJsonLines } from '@umbra/platform/store/json';
import { keys, type SegmentTotals, segmentOfKey } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { type Refusal, refusal, type TakenItem, takenItem } from '@umbra/shared/contracts/dataset';
import { z } from 'zod';

/**
 * What has been taken in of a dataset that is not ready: segments, objects of some lines that are
 * only ever added, so that any process can go on where another ended, and none waits for another.
 *
 * Each request and each source writes a stream of its own; streams sort by the time they began. A
 * segment's name has its totals, so that a dataset's are known without reading it; the last line of a
 * source's segment says where the source goes on.
 */
export type JournalEntry = {
  readonly item?: TakenItem | undefined;
  /** Sent by a client, who may send it again: the same file counts once. */
  readonly once?: boolean | undefined;
  readonly refusal?: Refusal | undefined;
};

export type Totals = SegmentTotals;
/** How far a source was read: its own words. */
export type Checkpoint = Readonly<Record<string, unknown>>;

const line = z.strictObject({
  item: takenItem.optional(),
  once: z.boolean().optional(),
  refusal: refusal.optional(),
  next: z.record(z.string(), z.unknown()).optional(),
});

type DatasetPlace = {
  readonly store: ObjectStore;
  readonly tenant: string;
  readonly dataset: string;
};

/** Streams sort by the time they began. */
export const newStreamId = (): string =>
  `${String(Date.now()).padStart(14, '0')}-${randomBytes(6).toString('hex')}`;

export type Journal = {
  add(entry: JournalEntry): void;
  /** Lines that are not committed. */
  pending(): readonly JournalEntry[];
  /** Images and bytes that are not committed. */
  pendingTotals(): Totals;
  /** Write what was added, if there is any, or a checkpoint. */
  commit(next?: Checkpoint): Promise<void>;
  /** Take back what this stream committed. */
  withdraw(): Promise<void>;
};

/** @param index Of the first segment; a source that goes on has some already. */
export function createJournal(place: DatasetPlace, stream: string, index = 0): Journal {
  const { store, tenant, dataset } = place;
  const folder = keys.segments(tenant, dataset, stream);
  let next = index;
  let entries: JournalEntry[] = [];
  let totals = noTotals;
  return {
    add(entry) {
      entries.push(entry);
      totals = {
        images: totals.images + (entry.item === undefined ? 0 : 1),
        bytes: totals.bytes + (entry.item?.bytes ?? 0),
        refused: totals.refused + (entry.refusal === undefined ? 0 : 1),
      };
    },
    pending: () => entries,
    pendingTotals: () => totals,
    async commit(checkpoint) {
      if (entries.length === 0 && checkpoint === undefined) return;
      const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`);
      if (checkpoint !== undefined) lines.push(`${JSON.stringify({ next: checkpoint })}\n`);
      await store.put(
        keys.segment(tenant, dataset, { stream, index: next, ...totals }),
        lines.join(''),
      );
      next += 1;
      entries = [];
      totals = noTotals;
    },
    async withdraw() {
      for await (const { key } of store.list(folder)) await store.delete(key);
    },
  };
}

const noTotals: Totals = { images: 0, bytes: 0, refused: 0 };

/**
 * What a dataset that is not ready holds so far, or one stream of it. A file that was sent twice counts
 * twice as yet.
 */
export async function journalTotals(
  { store, tenant, dataset }: DatasetPlace,
  stream?: string,
): Promise<Totals> {
  let { images, bytes, refused } = noTotals;
  for await (const { key } of store.list(keys.segments(tenant, dataset, stream))) {
    const more = segmentOfKey(key);
    images += more.images;
    bytes += more.bytes;
    refused += more.refused;
  }
  return { images, bytes, refused };
}

/** Everything that was taken in, in order. */
export async function* readJournal(place: DatasetPlace): AsyncGenerator<JournalEntry> {
  const { store, tenant, dataset } = place;
  for await (const { key } of store.list(keys.segments(tenant, dataset))) {
    for (const { next, ...entry } of await readSegment(store, key)) {
      if (next === undefined) yield entry;
    }
  }
}

async function readSegment(store: ObjectStore, key: string) {
  const { body } = await store.stream(key);
  const lines: z.output<typeof line>[] = [];
  for await (const { value } of readJsonLines(body, line)) lines.push(value);
  return lines;
}

/** @returns Where a source goes on, and its next segment's index; null where it has not begun. */
export async function lastCheckpoint(
  { store, tenant, dataset }: DatasetPlace,
  stream: string,
): Promise<{ readonly next: Checkpoint; readonly index: number } | null> {
  let last: string | null = null;
  for await (const { key } of store.list(keys.segments(tenant, dataset, stream))) last = key;
  if (last === null) return null;
  const { next = {} } = (await readSegment(store, last)).at(-1) ?? {};
  return { next, index: segmentOfKey(last).index + 1 };
}
