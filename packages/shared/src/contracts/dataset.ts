import { z } from 'zod';
import { type ErrorCode, errorCodes } from '../errors.js';

export const datasetId = z.string().regex(/^ds_[0-9a-z]{20}$/);
/** Position of the image in its dataset, padded so that names sort in upload order. */
export const imageId = z.string().regex(/^img_[0-9]{8}$/);
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
export const errorReport = z.strictObject({
  code: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
});

/** What an image shows, as its dataset says: an index among the model's classes, or a name. */
export const itemLabel = z.union([z.int().min(0), z.string().min(1).max(200)]);
export type ItemLabel = z.output<typeof itemLabel>;

/** Where it shows it: half-open, px of the upright photo. */
export const itemBox = z
  .strictObject({
    top: z.int().min(0),
    left: z.int().min(0),
    bottom: z.int().min(1),
    right: z.int().min(1),
  })
  .refine(({ top, left, bottom, right }) => top < bottom && left < right, {
    error: 'Expected top < bottom and left < right',
    when: ({ issues }) => issues.length === 0,
  });

/** One line of a dataset's manifest: an image that was accepted. */
export const datasetItem = z.strictObject({
  version: z.literal(1),
  id: imageId,
  /** The name the user gave, a relative path with `/`; for display and archives, never a key. */
  name: z.string().min(1).max(1024),
  sha256,
  bytes: z.int().min(1),
  width: z.int().min(1),
  height: z.int().min(1),
  label: itemLabel.optional(),
  box: itemBox.optional(),
});
export type DatasetItem = z.output<typeof datasetItem>;

/** A file that was not accepted, and why; the rest of the upload is unharmed. */
export const refusal = z.strictObject({ name: z.string(), error: errorReport });
export type Refusal = z.output<typeof refusal>;

export const dataset = z.strictObject({
  version: z.literal(1),
  id: datasetId,
  createdAt: z.iso.datetime(),
  images: z.int().min(0),
  bytes: z.int().min(0),
  refused: z.int().min(0),
});
export type Dataset = z.output<typeof dataset>;
