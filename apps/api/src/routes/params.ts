import { datasetId, defaultTenant, imageId, jobId, notFound } from '@umbra/shared';
import type { z } from 'zod';

/** Whose data a request sees. */
export const tenantOf = (): string => defaultTenant;

/** An id that cannot exist is as unknown as one that does not. @throws {AppError} `not_found` */
const known = (schema: z.ZodString, what: string) => (text: unknown) => {
  const parsed = schema.safeParse(text);
  if (!parsed.success) throw notFound(`Unknown ${what} '${String(text).slice(0, 64)}'`);
  return parsed.data;
};

export const jobIdOf = known(jobId, 'job');
export const datasetIdOf = known(datasetId, 'dataset');
export const imageIdOf = known(imageId, 'image');
