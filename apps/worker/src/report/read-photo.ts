import { type ImageLimits, type ModelInput, prepareImage } from '@umbra/engine';
import { findJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { readItem } from '@umbra/platform/store/read-item';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { type ImageResult, imageResult } from '@umbra/shared/contracts/result';
import { hasCode } from '@umbra/shared/errors';
import type { TenantJob } from '../jobs/job-record.js';
import type { WorkerServices } from '../services.js';

/** A finished image's photo, and what its result says of it. */
export type FinishedPhoto = { readonly photo: Buffer; readonly result: ImageResult };

export type PhotoReadServices = Pick<WorkerServices, 'store' | 'sources'>;
export type InputServices = PhotoReadServices & Pick<WorkerServices, 'config'>;

/** Codes of results and photos that are gone, replaced, closed to us, cannot be decoded, or hold no finite numbers. */
const lostCodes = [
  'not_found',
  'integrity',
  'forbidden',
  'invalid_input',
  'unprocessable',
] as const;

/** What photos are held to. */
export const limitsOf = (config: InputServices['config']): ImageLimits => ({
  maxPixels: config.UMBRA_MAX_IMAGE_PIXELS,
  maxInputPixels: config.UMBRA_MAX_INPUT_PIXELS,
});

/** @returns null where a photo cannot be read any more, which leaves the others. @throws Every other error. */
export async function orLost<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (lostCodes.some((code) => hasCode(error, code))) return null;
    throw error;
  }
}

/** @returns Reads the photo of an image by its id; null where it, or its result, cannot be read any more. */
export function openPhotos(
  services: PhotoReadServices,
  { tenant, job }: TenantJob,
): (image: string) => Promise<FinishedPhoto | null> {
  const read = async (image: string): Promise<FinishedPhoto | null> => {
    const key = keys.result(tenant, job.id, image, 'result.json');
    const result = await findJson(services.store, key, imageResult);
    return result && { photo: await readItem(services, tenant, job.dataset, result.image), result };
  };
  return (image) => orLost(read(image));
}

/** @returns Prepares the photo of an image for the model; null as of `openPhotos`. */
export function openInputs(
  services: InputServices,
  { tenant, job }: TenantJob,
  { input }: Pick<ModelBundle, 'input'>,
): (image: string) => Promise<ModelInput | null> {
  const readPhoto = openPhotos(services, { tenant, job });
  const limits = limitsOf(services.config);
  return async (image) => {
    const found = await readPhoto(image);
    return found && orLost(prepareImage(found.photo, input, limits));
  };
}
