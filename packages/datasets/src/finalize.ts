import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { Dataset } from '@umbra/shared/contracts/dataset';
import { AppError, hasCode, unavailable } from '@umbra/shared/errors';
import { imageIdAt } from '@umbra/shared/ids';
import { createDigestSet } from './digest-set.js';
import type { JournalEntry, Totals } from './journal.js';

/** Ids have eight digits. */
const maxImages = 100_000_000;

export type JournalContent = {
  /** Everything that was taken in, each time it is called. */
  readonly entries: () => AsyncIterable<JournalEntry> | Iterable<JournalEntry>;
  /**
   * Number of images and refusals in the entries: a journal that another process clears away meanwhile,
   * since it was first, must not become a short manifest.
   */
  readonly expected: Pick<Totals, 'images' | 'refused'>;
};

/**
 * Make a dataset ready: write its manifest and its refusals, and then its record.
 *
 * @throws {AppError} `unprocessable` if no image was taken in; `too_large`; `unavailable` if the
 *   journal went away.
 */
export async function finalizeDataset(
  store: ObjectStore,
  tenant: string,
  dataset: Dataset,
  { entries, expected }: JournalContent,
): Promise<Dataset> {
  const { id } = dataset;
  const counts = { images: 0, bytes: 0, refused: 0, duplicates: 0, labelled: 0 };
  const whole = () => checked(entries(), expected);
  await store.putStream(keys.refusals(tenant, id), Readable.from(refusalLines(whole(), counts)));
  const manifest = Readable.from(manifestLines(whole(), counts));
  await store.putStream(keys.manifest(tenant, id), manifest).catch((error: unknown) => {
    throw hasCode(error) ? new AppError(error.code, error.message, { cause: error }) : error;
  });
  const ready: Dataset = {
    ...dataset,
    ...counts,
    state: 'ready',
    readyAt: new Date().toISOString(),
  };
  await putJson(store, keys.dataset(tenant, id), ready);
  return ready;
}

async function* checked(
  entries: AsyncIterable<JournalEntry> | Iterable<JournalEntry>,
  expected: Pick<Totals, 'images' | 'refused'>,
): AsyncGenerator<JournalEntry> {
  let images = 0;
  let refused = 0;
  for await (const entry of entries) {
    if (entry.item !== undefined) images += 1;
    if (entry.refusal !== undefined) refused += 1;
    yield entry;
  }
  if (images === expected.images && refused === expected.refused) return;
  throw unavailable(
    `Expected ${expected.images} images and ${expected.refused} refusals, found ${images} and ${refused}`,
  );
}

type ManifestCounts = Pick<Dataset, 'images' | 'bytes' | 'refused' | 'duplicates' | 'labelled'>;
type Tallied = { -readonly [K in keyof ManifestCounts]: ManifestCounts[K] };

async function* refusalLines(
  entries: AsyncIterable<JournalEntry> | Iterable<JournalEntry>,
  counts: Tallied,
): AsyncGenerator<string> {
  for await (const { refusal } of entries) {
    if (refusal === undefined) continue;
    counts.refused += 1;
    yield `${JSON.stringify(refusal)}\n`;
  }
}

/** Lines by some dozens: a stream's overhead is per chunk. */
const chunkBytes = 64 * 1024;

async function* manifestLines(
  entries: AsyncIterable<JournalEntry> | Iterable<JournalEntry>,
  counts: Tallied,
): AsyncGenerator<string> {
  const files = createDigestSet();
  const contents = createDigestSet();
  let chunk = '';
  for await (const { item, once } of entries) {
    if (item === undefined) continue;
    if (once === true && !files.add(digestOf(item))) continue;
    if (counts.images === maxImages) {
      throw new AppError('too_large', `Expected at most ${maxImages} images`);
    }
    if (!contents.add(Buffer.from(item.sha256, 'hex'))) counts.duplicates += 1;
    if (item.label !== undefined) counts.labelled += 1;
    chunk += `${JSON.stringify({ version: 1, id: imageIdAt(counts.images), ...item })}\n`;
    counts.images += 1;
    counts.bytes += item.bytes;
    if (chunk.length < chunkBytes) continue;
    yield chunk;
    chunk = '';
  }
  if (counts.images === 0) {
    throw new AppError('unprocessable', 'Expected at least one image, got none');
  }
  if (chunk !== '') yield chunk;
}

/** The same file, sent again. */
const digestOf = ({ name, sha256, label, box }: NonNullable<JournalEntry['item']>): Buffer =>
  createHash('sha256')
    .update(JSON.stringify([name, sha256, label, box]))
    .digest();
