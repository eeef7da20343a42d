import { figuresOf, readJournal } from '@umbra/datasets';
import { getJson } from '@umbra/platform/store/json';
import { parseKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { type Dataset, storedDataset } from '@umbra/shared/contracts/dataset';
import { hasCode } from '@umbra/shared/errors';
import { z } from 'zod';

/** Which page of a tenant's datasets is asked for. */
export const datasetsPage = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z
    .string()
    .max(100)
    .transform((text) => Buffer.from(text, 'base64url').toString())
    .refine((entry) => /^\d{14}-ds_[0-9a-z]{20}$/.test(entry), 'Expected a next_cursor')
    .optional(),
});

/** Some of a tenant's datasets, the oldest first. */
export async function listDatasets(
  store: ObjectStore,
  tenant: string,
  { limit, cursor }: z.output<typeof datasetsPage>,
): Promise<{ readonly data: Dataset[]; readonly next_cursor: string | null }> {
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
      return dataset === null ? [] : [await figuresOf(store, tenant, dataset)];
    }),
  );
  const last = entries.length > limit ? shown.at(-1) : undefined;
  const next = last === undefined ? null : Buffer.from(last).toString('base64url');
  return { data: found.flat(), next_cursor: next };
}

/** An entry may outlive its dataset by a moment, and precede it. */
async function findRecord(store: ObjectStore, tenant: string, id: string): Promise<Dataset | null> {
  return getJson(store, keys.dataset(tenant, id), storedDataset).catch((error: unknown) => {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  });
}

/** One line a file that was refused, also while the dataset is not ready. */
export async function* listRefusals(
  store: ObjectStore,
  tenant: string,
  { id, state }: Dataset,
): AsyncGenerator<string | Buffer> {
  if (state === 'ready') {
    const key = keys.refusals(tenant, id);
    if ((await store.head(key)) === null) return;
    yield* (await store.stream(key)).body;
    return;
  }
  for await (const { refusal } of readJournal({ store, tenant, dataset: id })) {
    if (refusal !== undefined) yield `${JSON.stringify(refusal)}\n`;
  }
}
