import { pagePhotoPx } from '@umbra/shared/offline-page';
import { useEffect, useState } from 'react';
import { ask, queryOf } from './http.js';
import type { ImageOfJob } from './images.js';
import { addressOf } from './source.js';

/** An address of what is in memory, for as long as it is shown. */
export function useObjectUrl(blob: Blob | null): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (blob === null) return setUrl(null);
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url;
}

/** Photos that were chosen in this tab, so that the first map need not wait for its photo to come back. */
const chosen = new Map<string, File>();
const maxChosen = 64;

export function keepChosen({ job, image }: ImageOfJob, file: File): void {
  chosen.set(`${job}/${image}`, file);
  for (const key of chosen.keys()) {
    if (chosen.size <= maxChosen) return;
    chosen.delete(key);
  }
}

/** Width of a tile's photo, px. */
const tilePx = 256;

/** Address of a photo of a dataset, at most so wide, px. */
export const photoPath = (dataset: string, image: string, width: number = pagePhotoPx): string =>
  `/v1/datasets/${dataset}/images/${image}/photo${queryOf({ w: width })}`;

export const smallPhotoPath = (dataset: string, image: string): string =>
  photoPath(dataset, image, tilePx);

/** Address of the photo itself: of the file that was chosen here, or the service's own. */
export function usePhoto(of: ImageOfJob, dataset: string) {
  const file = chosen.get(`${of.job}/${of.image}`) ?? null;
  const own = useObjectUrl(file);
  return file === null
    ? { url: addressOf(photoPath(dataset, of.image)), name: null }
    : { url: own, name: file.name };
}

/** A picture that the service draws, of several pages maybe. */
export type DrawnPicture = { readonly blob: Blob; readonly pages: number };

/** @param page Page that the path asks for. */
export async function readPicture(
  path: string,
  page: number,
  signal?: AbortSignal,
): Promise<DrawnPicture> {
  const response = await ask(path, signal && { signal });
  return { blob: await response.blob(), pages: pagesOf(response.headers.get('Link'), page) };
}

/** Count the pages by the links to those around one; the last page has none to itself. */
export function pagesOf(links: string | null, page: number): number {
  const last = links?.split(', ').find((link) => link.endsWith('rel="last"'));
  return Number(/[?&]page=(\d+)/.exec(last ?? '')?.[1] ?? page);
}

/** Save a file of the service under a name. */
export const download = async (path: string, name: string): Promise<void> =>
  saveBlob(await (await ask(path)).blob(), name);

/** Save what is in memory under a name. */
export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // Browsers read it after the click.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
