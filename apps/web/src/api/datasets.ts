import type { Dataset, Refusal } from '@umbra/shared/contracts/dataset';
import type { NamedFile } from '../lib/chosen-files.js';
import { ask, askJson, queryOf } from './http.js';
import { collectPages, type ListPage } from './page.js';

export type { Dataset, Refusal };

/** As many as a page of the list may have. */
const limit = 100;
const maxDatasets = 2_000;

/** List datasets, the newest first; the service lists the oldest first, and so all are asked for. */
export async function listDatasets(signal?: AbortSignal): Promise<readonly Dataset[]> {
  const readPage = (cursor: string | undefined) =>
    askJson<ListPage<Dataset>>(`/v1/datasets${queryOf({ limit, cursor })}`, signal && { signal });
  return (await collectPages(readPage, maxDatasets)).toReversed();
}

/** The files that a dataset refused, with reasons. */
export async function listRefusals(
  dataset: string,
  signal?: AbortSignal,
): Promise<readonly Refusal[]> {
  const response = await ask(`/v1/datasets/${dataset}/refusals`, signal && { signal });
  const lines = (await response.text()).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Refusal);
}

export type UploadedDataset = Dataset & { readonly refusals: readonly Refusal[] };

/** Make a dataset of photos. What is no photo is refused by name, and the others are taken. */
export function uploadPhotos(files: readonly NamedFile[]): Promise<UploadedDataset> {
  const form = new FormData();
  for (const { name, file } of files) form.append('images', file, name);
  return askJson<UploadedDataset>('/v1/datasets', { method: 'POST', body: form });
}
