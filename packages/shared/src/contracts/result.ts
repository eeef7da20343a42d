import { z } from 'zod';
import { errorReport, imageId, sha256 } from './dataset.js';
import { occlusionSettings } from './settings.js';
import { cleanRun, provenance } from './shard.js';

/** `result.json` of one image: what was asked, what the model said, where the score fell most. */
export const imageResult = z.strictObject({
  version: z.literal(1),
  image: z.strictObject({
    id: z.string(),
    name: z.string(),
    sha256,
    width: z.int().min(1),
    height: z.int().min(1),
  }),
  model: z.strictObject({ name: z.string(), digest: sha256 }),
  settings: occlusionSettings,
  /** Extent of the model's input frame, px: the frame of `attribution`. */
  input: z.strictObject({ height: z.int().min(1), width: z.int().min(1) }),
  grid: z.strictObject({ rows: z.int().min(1), columns: z.int().min(1) }),
  clean: cleanRun,
  /** The position whose occlusion lowers the score most, and that score. */
  lowest: z.strictObject({
    score: z.number(),
    row: z.int().min(0),
    column: z.int().min(0),
    /** The patch there, px in the model's input frame, half-open. */
    box: z.strictObject({
      top: z.int(),
      left: z.int(),
      bottom: z.int(),
      right: z.int(),
    }),
  }),
  provenance,
});
export type ImageResult = z.output<typeof imageResult>;

/** One row of `GET /v1/jobs/:id/images`. */
export const imageStatus = z.strictObject({
  id: imageId,
  name: z.string(),
  state: z.enum(['pending', 'completed', 'failed']),
  error: errorReport.nullable(),
});
export type ImageStatus = z.output<typeof imageStatus>;

/** The files of a finished image, with their media types. */
export const resultFiles = {
  'heatmap.png': 'image/png',
  'overlay.png': 'image/png',
  'scores.npy': 'application/octet-stream',
  'attribution.npy': 'application/octet-stream',
  'result.json': 'application/json',
} as const;
export type ResultFile = keyof typeof resultFiles;
