import { readJsonLines } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { type DatasetItem, datasetItem } from '@umbra/shared/contracts/dataset';
import type { Reference } from '@umbra/shared/contracts/reference';
import { AppError, hasCode } from '@umbra/shared/errors';
import { z } from 'zod';
import type { Page } from '../http/pages.js';

/** Query for a page of a list that lies in a manifest. */
export const manifestPageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** Byte offset into the manifest; opaque to clients. */
  cursor: z
    .string()
    .transform((text) => Number(Buffer.from(text, 'base64url').toString()))
    .refine((offset) => Number.isSafeInteger(offset) && offset > 0, 'Expected a next_cursor')
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
  if (cursor >= size) return { items, end, cursorAt };
  const { body } = await store.stream(key, { start: cursor, end: size });
  try {
    for await (const { value: item, bytes } of readJsonLines(body, datasetItem)) {
      end += bytes;
      items.push({ item, end });
      if (items.length === limit) break;
    }
  } catch (error) {
    // The service's own cursors start at a line.
    if (cursor > 0 && hasCode(error, 'integrity')) {
      throw new AppError('invalid_input', 'Expected cursor to be a next_cursor');
    }
    throw error;
  } finally {
    body.destroy();
  }
  return { items, end, cursorAt };
}

const encodeCursor = (offset: number): string => Buffer.from(String(offset)).toString('base64url');
