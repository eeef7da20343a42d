import { Readable } from 'node:stream';
import { readJsonLines } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { type DatasetItem, datasetItem } from '@umbra/shared/contracts/dataset';
import type { Reference } from '@umbra/shared/contracts/reference';
import { AppError } from '@umbra/shared/errors';
import { z } from 'zod';
import type { Page } from '../http/pages.js';

/** Query for a page of a list that lies in a manifest. */
export const manifestPageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** Byte offset into the manifest; opaque to clients. */
  cursor: z
    .string()
    .max(100)
    .transform((text) => Buffer.from(text, 'base64url').toString())
    .refine((text) => /^[1-9]\d{0,14}$/.test(text), 'Expected a next_cursor')
    .transform(Number)
    .optional(),
});
export type ManifestPageQuery = z.output<typeof manifestPageQuery>;

export type ManifestPage = {
  /** Items, each with the offset after its line, bytes. */
  readonly items: readonly { readonly item: DatasetItem; readonly end: number }[];
  /** Offset after the last item, bytes. */
  readonly end: number;
  /** Cursor of the page that starts at an offset; null at the end of the manifest. */
  cursorAt(offset: number): string | null;
};

/** List a page of a dataset's items. @throws {AppError} `invalid_input` for a bad cursor. */
export async function listItems(
  store: ObjectStore,
  dataset: Reference,
  query: ManifestPageQuery,
): Promise<Page<DatasetItem>> {
  const { items, end, cursorAt } = await readManifestPage(store, dataset, query);
  return { data: items.map(({ item }) => item), next_cursor: cursorAt(end) };
}

/**
 * Read some items of a dataset's manifest.
 *
 * @param cursor Offset of the first item's line, bytes.
 * @throws {AppError} `invalid_input` for a cursor that is no line's offset.
 */
export async function readManifestPage(
  store: ObjectStore,
  { tenant, id }: Reference,
  { limit, cursor = 0 }: ManifestPageQuery,
): Promise<ManifestPage> {
  const key = keys.manifest(tenant, id);
  // A dataset that is not ready has no manifest: its list is empty.
  const size = (await store.head(key))?.bytes ?? 0;
  const cursorAt = (offset: number) => (offset < size ? encodeCursor(offset) : null);
  const items: { readonly item: DatasetItem; readonly end: number }[] = [];
  let end = cursor;
  if (cursor > 0 && cursor >= size) throw noCursor();
  if (size === 0) return { items, end, cursorAt };
  const { body } = await store.stream(key, { start: Math.max(0, cursor - 1), end: size });
  const lines = cursor > 0 ? Readable.from(afterLine(body)) : body;
  try {
    for await (const { value: item, bytes } of readJsonLines(lines, datasetItem)) {
      end += bytes;
      items.push({ item, end });
      if (items.length === limit) break;
    }
  } finally {
    body.destroy();
  }
  return { items, end, cursorAt };
}

/** Pass what follows a line's end. @throws {AppError} `invalid_input` where there is none. */
async function* afterLine(body: Readable): AsyncGenerator<Buffer> {
  let isFirst = true;
  for await (const chunk of body) {
    if (isFirst && chunk[0] !== newline) throw noCursor();
    yield isFirst ? chunk.subarray(1) : chunk;
    isFirst = false;
  }
}

const newline = 0x0a;
const noCursor = () => new AppError('invalid_input', 'cursor: Expected a next_cursor');

const encodeCursor = (offset: number): string => Buffer.from(String(offset)).toString('base64url');
