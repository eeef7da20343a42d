import type { Dataset, UmbraClient } from '@umbra/client';
import { formatAge } from '../lib/durations.js';
import { printJson } from '../lib/output.js';
import { openService, type ServiceFlags } from '../lib/service.js';
import { alignColumns } from '../lib/summary.js';

export type DatasetsOptions = ServiceFlags & { readonly json?: boolean };

/** Print the datasets of a service, the newest first. */
export async function datasets(options: DatasetsOptions): Promise<void> {
  const found = await listDatasets(await openService(options));
  if (options.json) return printJson({ datasets: found });
  const header = ['dataset', 'state', 'images', 'refused', 'labelled', 'MiB', 'created'];
  process.stdout.write(`${alignColumns([header, ...found.map(cellsOf)])}\n`);
}

/** The service lists the oldest first. */
async function listDatasets(client: UmbraClient): Promise<Dataset[]> {
  const found: Dataset[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const query = { limit: 200, ...(cursor !== undefined && { cursor }) };
    // Whatever is no success is thrown.
    const { data } = await client.api.GET('/v1/datasets', { params: { query } });
    found.push(...(data?.data ?? []));
    cursor = data?.next_cursor ?? null;
  }
  return found.reverse();
}

const cellsOf = ({ id, state, images, refused, labelled, bytes, createdAt }: Dataset): string[] => [
  id,
  state,
  String(images),
  String(refused),
  String(labelled),
  (bytes / 1024 ** 2).toFixed(1),
  formatAge(createdAt),
];
