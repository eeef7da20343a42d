import type { ImageGeometry } from '@umbra/shared/contracts/geometry';
import type { PartialResult } from '@umbra/shared/contracts/partial';
import type { ImageResult, ResultFile } from '@umbra/shared/contracts/result';
import { type NpyArray, readNpy } from '../lib/npy.js';
import { ask, askJson, queryOf } from './http.js';

export type { ImageGeometry, ImageResult, PartialResult, ResultFile };

/** An image of a job. */
export type ImageOfJob = { readonly job: string; readonly image: string };

export const imagePath = ({ job, image }: ImageOfJob): string => `/v1/jobs/${job}/images/${image}`;
export const filePath = (of: ImageOfJob, file: ResultFile): string => `${imagePath(of)}/${file}`;

/** The model's input as it sees it, with the patch at a position if one is given. */
export const inputPath = (
  of: ImageOfJob,
  position?: { readonly row: number; readonly column: number; readonly grid: number },
): string => `${imagePath(of)}/input.png${queryOf({ ...position })}`;

/** The photo, with what a unit (`ROW,COLUMN`) of a layer sees outlined; the middle unit where none is given. */
export const fieldPath = (of: ImageOfJob, layer: string, unit: string | undefined): string =>
  `${imagePath(of)}/receptive-field.png${queryOf({ layer, unit })}`;

/** A layer's feature maps for the photo, one page of them. */
export const activationsPath = (of: ImageOfJob, layer: string, page: number): string =>
  `${imagePath(of)}/activations.png${queryOf({ layer, page })}`;

/** What an image has: its result, or what is known of it while it runs. */
export type ImageProgress =
  | { readonly state: 'finished'; readonly result: ImageResult }
  | { readonly state: 'running'; readonly partial: PartialResult };

/** Ask how far an image is. The service sends who asks for a finished one on to its result. */
export async function readImage(of: ImageOfJob, signal?: AbortSignal): Promise<ImageProgress> {
  const response = await ask(`${imagePath(of)}/partial`, signal && { signal });
  const answer = (await response.json()) as PartialResult | ImageResult;
  return 'bands' in answer
    ? { state: 'running', partial: answer }
    : { state: 'finished', result: answer };
}

/** Where an image's cells lie, whether or not it is finished. */
export const readGeometry = (of: ImageOfJob, signal?: AbortSignal): Promise<ImageGeometry> =>
  askJson(`${imagePath(of)}/geometry`, signal && { signal });

export async function readArray(
  of: ImageOfJob,
  file: ResultFile,
  signal?: AbortSignal,
): Promise<NpyArray> {
  const response = await ask(filePath(of, file), signal && { signal });
  return readNpy(await response.arrayBuffer());
}
