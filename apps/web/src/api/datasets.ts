import type { Dataset, Refusal } from '@umbra/shared/contracts/dataset';
import { ask, askJson, queryOf } from './http.js';
import type { ListPage } from './page.js';

export type { Dataset, Refusal };

export const listDatasets = async (signal?: AbortSignal): Promise<readonly Dataset[]> => {
  const path = `/v1/datasets${queryOf({ limit: 100 })}`;
  const { data } = await askJson<ListPage<Dataset>>(path, signal && { signal });
  return data.toReversed();
};

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
export function uploadPhotos(files: readonly File[]): Promise<UploadedDataset> {
  const form = new FormData();
  for (const file of files) form.append('images', file, file.webkitRelativePath || file.name);
  return askJson<UploadedDataset>('/v1/datasets', { method: 'POST', body: form });
}
