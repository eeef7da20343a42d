import { z } from 'zod';
import { datasetItem, errorReport, imageId, itemLabel, sha256 } from './dataset.js';
import { occlusionSettings } from './settings.js';
import { baselineRun, faithfulness, provenance, rankedClasses } from './shard.js';

const count = z.int().min(0);
export const extent = z.strictObject({ height: z.int().min(1), width: z.int().min(1) });
/** px * scale + offset */
const axisMapping = z.strictObject({ scale: z.number().positive(), offset: z.number().min(0) });
/** From px of the model's input to px of the upright photo, on each axis. */
export const photoMapping = z.strictObject({ y: axisMapping, x: axisMapping });
/** Half-open, px. */
export const box = z.strictObject({ top: count, left: count, bottom: count, right: count });

/** One patch size's positions, and what the model decided there. */
const gridResult = z.strictObject({
  patch: extent,
  rows: z.int().min(1),
  columns: z.int().min(1),
  /** Positions that were run; the others of a refined run are interpolated. */
  computed: z.int().min(1),
  /** Flips of the decision: positions (`row * columns + column`) by predicted class; null for none. */
  flips: z.array(
    z.strictObject({
      index: count.nullable(),
      label: z.string(),
      positions: z.array(count).min(1),
    }),
  ),
});

const targetResult = baselineRun.shape.targets.element.extend({
  /** The position whose occlusion lowers the score most, and that score. */
  lowest: z.strictObject({
    score: z.number(),
    /** Index into `grids`. */
    grid: count,
    row: count,
    column: count,
    /** In the model's input frame. */
    box,
    /** On the upright photo; not in results before version 5. */
    photoBox: box.optional(),
  }),
  /** See `borderShare` of the engine; null where no attribution is positive. */
  borderShare: z.number().min(0).max(1).nullable().optional(),
  faithfulness: faithfulness.nullable(),
  heatmap: z.string(),
  overlay: z.string(),
});

/** `result.json` of one image: what was asked, what the model said, where the score fell most. */
export const imageResult = z.strictObject({
  /**
   * 3 adds `reused`; 4 names the arrays of predicted classes so, which were `winners`; 5 has `onRequest`, since not
   * every file is stored, and adds `toPhoto`, `top`, `isRight`, the image's label, and a target's
   * `borderShare` and `photoBox`.
   */
  version: z.literal([2, 3, 4, 5]),
  image: z.strictObject({
    id: z.string(),
    name: z.string(),
    sha256,
    width: z.int().min(1),
    height: z.int().min(1),
    /** What it shows, as its dataset says. */
    label: itemLabel.optional(),
    source: datasetItem.shape.source,
  }),
  model: z.strictObject({ name: z.string(), digest: sha256 }),
  settings: occlusionSettings,
  /** True where some scores were interpolated instead of run. */
  approximate: z.boolean(),
  /** Extent of the model's input frame, px: the frame of `attribution`. */
  input: extent,
  /** Where that frame lies on the photo; not in results before version 5. */
  toPhoto: photoMapping.optional(),
  predicted: baselineRun.shape.predicted,
  /** The most probable classes of the baseline run. */
  top: rankedClasses.optional(),
  /** Whether the label names the predicted class; null without a label, or where it names no class. */
  isRight: z.boolean().nullable().optional(),
  /** One a patch size. */
  grids: z.array(gridResult).min(1),
  /** Targets in the order of the arrays' first axis, where they have one. */
  targets: z.array(targetResult).min(1),
  /** Every file that is stored beside this one. */
  files: z.array(z.string()),
  /** Those that are not, and that the service draws when they are asked for. */
  onRequest: z.array(z.string()).default([]),
  /** How the scores were computed, whenever that was. */
  provenance,
  /** Whether some of them were taken from an earlier run of the same work. */
  reused: z.boolean().default(false),
});
export type ImageResult = z.output<typeof imageResult>;

/** `running`: in the queue or being computed; `pending`: neither yet, or not any more of an ended job. */
export const imageState = z.enum(['pending', 'running', 'completed', 'failed']);
export type ImageState = z.output<typeof imageState>;

/** One row of `GET /v1/jobs/:id/images`. */
export const imageStatus = z.strictObject({
  id: imageId,
  name: z.string(),
  state: imageState,
  error: errorReport.nullable(),
});
export type ImageStatus = z.output<typeof imageStatus>;

/**
 * The files of a finished image, whether they are stored or drawn on request. A second target's pictures end in `-2`, and so on; with several
 * patch sizes, an array of one of them ends in its size: `scores-32x32.npy`. The thumbnail is the first
 * target's overlay.
 */
export type ResultFile =
  | 'result.json'
  | 'thumbnail.webp'
  | `${'heatmap' | 'overlay'}${'' | `-${number}`}.png`
  | `${'scores' | 'predicted-classes' | 'winners' | 'attribution'}${'' | `-${number}x${number}`}.npy`;

const fileName =
  /^(result\.json|thumbnail\.webp|(heatmap|overlay)(-\d{1,3})?\.png|(scores|predicted-classes|winners|attribution)(-\d{1,5}x\d{1,5})?\.npy)$/;

/** A file of a finished image, by name. */
export const resultFile = z
  .string()
  .regex(fileName)
  .transform((name) => name as ResultFile);

export const isResultFile = (name: string): name is ResultFile => fileName.test(name);

export const mediaTypeOf = (file: ResultFile): string => {
  if (file.endsWith('.png')) return 'image/png';
  if (file.endsWith('.webp')) return 'image/webp';
  return file.endsWith('.json') ? 'application/json' : 'application/octet-stream';
};
