import { Readable } from 'node:stream';
import { keys, partOffsetOfKey } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { AppError, unavailable } from '@umbra/shared/errors';
import { RandomAccessReader } from 'yauzl';

/**
 * A file that comes in parts: objects named by where they begin. Parts of one file may overlap, as
 * when a client sends again what it has no answer for; they hold the same bytes where they do.
 */
type Part = { readonly key: string; readonly start: number; readonly end: number };

type UploadPlace = {
  readonly store: ObjectStore;
  readonly tenant: string;
  readonly dataset: string;
  /** The upload's id. */
  readonly source: string;
};

/** Part of an upload, in memory while it arrives. What has come when a request breaks off is kept, too. */
const partBytes = 8 * 1024 * 1024;

/**
 * Parts that cover the file from its start without a gap, each from where the one before ends.
 *
 * @returns The parts, with `start` where they are to be read from.
 */
async function listParts({
  store,
  tenant,
  dataset,
  source,
}: UploadPlace): Promise<(Part & { skip: number })[]> {
  const chain: (Part & { skip: number })[] = [];
  let offset = 0;
  for await (const { key, bytes } of store.list(keys.parts(tenant, dataset, source))) {
    const start = partOffsetOfKey(key);
    const end = start + bytes;
    if (start > offset) break;
    if (end <= offset) continue;
    chain.push({ key, start: offset, end, skip: offset - start });
    offset = end;
  }
  return chain;
}

/** How many bytes have come. */
export async function offsetOf(place: UploadPlace): Promise<number> {
  return (await listParts(place)).at(-1)?.end ?? 0;
}

/**
 * Store a stream's bytes as parts from an offset on.
 *
 * @param end Of the file.
 * @returns The offset after the last byte that was stored.
 * @throws {AppError} `too_large` if there are more bytes than the file has. A stream that breaks off
 *   is no error: what has come is stored.
 */
export async function putParts(
  place: UploadPlace,
  body: AsyncIterable<unknown>,
  start: number,
  end: number,
): Promise<number> {
  const { store, tenant, dataset, source } = place;
  let offset = start;
  let held: Buffer[] = [];
  let heldBytes = 0;
  const flush = async (): Promise<void> => {
    if (heldBytes === 0) return;
    await store.put(keys.part(tenant, dataset, { source, offset }), Buffer.concat(held));
    offset += heldBytes;
    held = [];
    heldBytes = 0;
  };
  const chunks = body[Symbol.asyncIterator]();
  for (;;) {
    const next = await chunks.next().catch(() => ({ done: true, value: undefined }));
    if (next.done) break;
    const chunk = next.value as Buffer;
    if (offset + heldBytes + chunk.length > end) {
      await flush();
      throw new AppError('too_large', `Expected at most ${end - start} bytes after ${start}`);
    }
    held.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes >= partBytes) await flush();
  }
  await flush();
  return offset;
}

/** A range of the file, or all of it, as one stream. */
export async function streamParts(place: UploadPlace, range?: { start: number; end: number }) {
  return Readable.from(readRange(place.store, await listParts(place), range));
}

async function* readRange(
  store: ObjectStore,
  parts: readonly (Part & { skip: number })[],
  { start, end }: { start: number; end: number } = { start: 0, end: Number.POSITIVE_INFINITY },
): AsyncGenerator<Buffer> {
  for (const part of parts) {
    if (part.end <= start || part.start >= end) continue;
    const from = Math.max(start, part.start) - part.start + part.skip;
    const to = Math.min(end, part.end) - part.start + part.skip;
    const { body, bytes } = await store.stream(part.key, { start: from, end: to });
    if (bytes !== to - from) throw unavailable(`Part '${part.key}' is short`);
    yield* body;
  }
}

/** Near reads, such as an entry's header and then its bytes, ask the store once. */
const windowBytes = 1024 * 1024;

/** The file as one that can be read anywhere, for a zip's reader. */
export async function partReader(place: UploadPlace): Promise<RandomAccessReader> {
  const parts = await listParts(place);
  const total = parts.at(-1)?.end ?? 0;
  let window = { start: 0, bytes: Buffer.alloc(0) };
  const read = async (start: number, end: number): Promise<Buffer> => {
    const within = start >= window.start && end <= window.start + window.bytes.length;
    if (!within) {
      const to = Math.min(total, Math.max(end, start + windowBytes));
      const chunks = await Readable.from(
        readRange(place.store, parts, { start, end: to }),
      ).toArray();
      window = { start, bytes: Buffer.concat(chunks as Buffer[]) };
    }
    return window.bytes.subarray(start - window.start, end - window.start);
  };
  class PartReader extends RandomAccessReader {
    override _readStreamForRange(start: number, end: number): Readable {
      if (end - start > windowBytes)
        return Readable.from(readRange(place.store, parts, { start, end }));
      async function* bytes() {
        yield await read(start, end);
      }
      return Readable.from(bytes());
    }
  }
  return new PartReader();
}
