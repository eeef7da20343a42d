import { readJournal, withTotals } from '@umbra/datasets';
import { getJson } from '@umbra/platform/store/json';
import { parseKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { type Dataset, storedDataset } from '@umbra/shared/contracts/dataset';
import { hasCode } from '@umbra/shared/errors';
import { z } from 'zod';
import type { Page } from '../http/pages.js';

/** Query for a page of a tenant's datasets. */
export const datasetsPageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z
    .string()
    .max(100)
    .transform((text) => Buffer.from(text, 'base64url').toString())
    .refine((entry) => /^\d{14}-ds_[0-9a-z]{20}$/.test(entry), 'Expected a next_cursor')
    .optional(),
});

/** List a page of a tenant's datasets, oldest first. */
export async function listDatasets(
  store: ObjectStore,
  tenant: string,
  { limit, cursor }: z.output<typeof datasetsPageQuery>,
): Promise<Page<Dataset>> {
  const prefix = keys.datasetIndex(tenant);
  const entries: string[] = [];
  const after = cursor === undefined ? {} : { after: `${prefix}${cursor}` };
  for await (const { key } of store.list(prefix, after)) {
    entries.push(key.slice(prefix.length));
    if (entries.length > limit) break;
  }
  const shown = entries.slice(0, limit);
  const found = await Promise.all(
    shown.map(async (entry) => {
      const { id } = parseKey('datasetEntry', `${prefix}${entry}`);
      const dataset = await findRecord(store, tenant, id);
      return dataset === null ? [] : [await withTotals(store, tenant, dataset)];
    }),
  );
  const last = entries.length > limit ? shown.at(-1) : undefined;
  const next = last === undefined ? null : Buffer.from(last).toString('base64url');
  return { data: found.flat(), next_cursor: next };
}

/** Read a dataset's record; null where there is none: an entry precedes it, and may outlive it. */
async function findRecord(store: ObjectStore, tenant: string, id: string): Promise<Dataset | null> {
  return getJson(store, keys.dataset(tenant, id), storedDataset).catch((error: unknown) => {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  });
}

/**
 * List a dataset's refused files, one line each, also while it is not ready.
 *
 * @param signal Ends the wait for the store.
 */
export async function* listRefusals(
  store: ObjectStore,
  tenant: string,
  { id, state }: Dataset,
  signal: AbortSignal,
): AsyncGenerator<string | Buffer> {
  if (state === 'ready') {
    const key = keys.refusals(tenant, id);
    if ((await store.head(key, signal)) === null) return;
    yield* (await store.stream(key, undefined, signal)).body;
    return;
  }
  for await (const { refusal } of readJournal({ store, tenant, dataset: id })) {
    if (refusal !== undefined) yield `${JSON.stringify(refusal)}\n`;
  }
}
