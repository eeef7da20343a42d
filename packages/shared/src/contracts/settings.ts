import { z } from 'zod';
import type { Size } from '../occlusion/grid.js';
import { classText } from './dataset.js';

const px = z.int().min(1).max(16_384);

/** An extent in px: one number for a square, or both sides. */
const size = z
  .union([px, z.strictObject({ height: px, width: px })], {
    error: 'Expected px, an integer >= 1, or {height, width}',
  })
  .transform((value) => (typeof value === 'number' ? { height: value, width: value } : value));

/** One size, or several that are run side by side. A list of one is that one. */
const patch = z
  .union([size, z.array(size).min(1).max(8)], {
    error: 'Expected px, {height, width}, or a list of 1 to 8 of these',
  })
  .transform((value): Size | readonly Size[] => {
    const [first, ...others] = Array.isArray(value) ? value : [value];
    return Array.isArray(value) && others.length > 0 ? value : (first as Size);
  })
  .refine((value) => new Set(sizesOf(value).map(sizeName)).size === sizesOf(value).length, {
    error: 'Expected each size once',
  });

/** A step in px: one number for both axes, or one an axis. */
const step = z
  .union([px, z.strictObject({ y: px, x: px })], {
    error: 'Expected px, an integer >= 1, or {y, x}',
  })
  .transform((value) => (typeof value === 'number' ? { y: value, x: value } : value));

/**
 * What is written under the patch.
 *
 * - `constant`: a `normalized` value is the number the model sees (0 is the mean colour); a `pixel`
 *   value in [0, 1] is a grey level, normalised like the photo.
 * - `mean`: the image's own mean of each channel, over the model's input.
 * - `dataset-mean`: the mean that the bundle takes off (normalised 0); ImageNet's where it takes none.
 * - `blur`: the image itself under a Gaussian, `sigma` in px of the model's input.
 * - `noise`: an independent random colour for each pixel, the same for one seed everywhere.
 */
const fill = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('constant'),
    value: z.number().min(-100).max(100),
    space: z.enum(['pixel', 'normalized']).default('normalized'),
  }),
  z.strictObject({ kind: z.literal('mean') }),
  z.strictObject({ kind: z.literal('dataset-mean') }),
  z.strictObject({ kind: z.literal('blur'), sigma: z.number().min(0.1).max(200) }),
  z.strictObject({ kind: z.literal('noise'), seed: z.int().min(0).max(0xffffffff) }),
]);

/**
 * The output classes that are watched: the baseline run's predicted class, its first `k`, the image's label in
 * its dataset, or a class by index or by name.
 */
const target = z.union(
  [
    z.strictObject({ kind: z.literal('predicted') }),
    z.strictObject({ kind: z.literal('top'), k: z.int().min(1).max(100) }),
    z.strictObject({ kind: z.literal('label') }),
    z.strictObject({ kind: z.literal('class'), index: z.int().min(0) }),
    z.strictObject({ kind: z.literal('class'), name: classText }),
  ],
  {
    error:
      "Expected kind 'predicted', 'top' with k from 1 to 100, 'label', or 'class' with an index or a name",
  },
);

const refineDefaults = { every: 5, share: 0.25 };

/** Refinement, on request and approximate: a coarse lattice first, then the positions where scores vary. */
const refine = z
  .union([
    z.boolean(),
    z.null(),
    z.strictObject({
      /** The first pass runs one position in so many, and the corners. */
      every: z.int().min(2).max(100).default(refineDefaults.every),
      /** Limit for the share of all positions that is run, unless the first pass needs more. */
      share: z.number().min(0.01).max(1).default(refineDefaults.share),
    }),
  ])
  .transform((value) => (value === true ? refineDefaults : value || null));

const faithfulnessDefaults = { steps: 50 };

/** Measurement of maps, on request: deletion and insertion in `steps` steps, and the pointing game. */
const faithfulness = z
  .union([
    z.boolean(),
    z.null(),
    z.strictObject({ steps: z.int().min(2).max(1000).default(faithfulnessDefaults.steps) }),
  ])
  .transform((value) => (value === true ? faithfulnessDefaults : value || null));

const edge = z.enum(['clip', 'valid', 'article']);
const score = z.enum(['probability', 'logit', 'log-odds']);
const strategy = z.enum(['auto', 'dense', 'incremental']);

const defaults = {
  patch: { height: 32, width: 32 },
  stride: { y: 16, x: 16 },
  edge: 'clip',
  fill: { kind: 'constant', value: 0, space: 'normalized' },
  target: { kind: 'predicted' },
  score: 'probability',
  strategy: 'auto',
  allowGaps: false,
  refine: null,
  faithfulness: null,
} as const;

/** What the founding article's run is made of; its patch, stride and target may be changed. */
const articleFixed = {
  edge: 'article',
  fill: { kind: 'constant', value: 0.5, space: 'normalized' },
  score: 'probability',
  refine: null,
} as const;
const article = { ...defaults, ...articleFixed, stride: { y: 14, x: 14 } } as const;

const given = z.strictObject({
  preset: z
    .enum(['article'])
    .optional()
    .describe(
      "`article`: the founding article's run, with edge `article`, fill 0.5 in normalised units, score `probability`, and stride 14 unless given; another edge, fill or score beside it is refused",
    ),
  patch: patch
    .optional()
    .describe(
      "Size of the patch in px of the model's input: one number, or height and width; a list of sizes gives a map each, and their mean",
    ),
  stride: step
    .optional()
    .describe('Distance between positions, px; beyond a patch only with `allowGaps`'),
  edge: edge
    .optional()
    .describe(
      '`clip` covers every pixel and cuts the last patch; `valid` places whole patches only; `article` has the count of the founding article',
    ),
  fill: fill.optional().describe('What is written under the patch: see Fills'),
  target: target
    .optional()
    .describe(
      "The classes whose score is mapped: the predicted one, its first k (`top`), the image's own label, or a class by index or name",
    ),
  score: score
    .optional()
    .describe(
      '`probability`; `logit`; `log-odds`, ln(p / (1 - p)), which still moves where the model is sure',
    ),
  strategy: strategy
    .optional()
    .describe(
      '`dense`: a whole forward pass for each position; `incremental`: parts of the baseline run are reused; `auto` chooses. All give the same scores',
    ),
  allowGaps: z
    .boolean()
    .optional()
    .describe('Accepts a stride beyond a patch, which leaves pixels that no patch covers'),
  refine: refine
    .optional()
    .describe('Runs a coarse lattice, then the positions where scores vary: see Refine'),
  faithfulness: faithfulness
    .optional()
    .describe('Measures each map by deletion, insertion and the pointing game: see Faithfulness'),
});

/** What settings are where nothing is given; documentation is generated from it. */
export const settingDefaults: Readonly<Record<string, unknown>> = defaults;
/** The schema of each setting as it is given, by name. */
export const settingSchemas = given.shape;

const extent = z.strictObject({ height: px, width: px });

/** What is parsed: nothing left out, and nothing in short. */
const complete = z.strictObject({
  patch: z.union([extent, z.array(extent).min(2).max(8).readonly()]),
  stride: z.strictObject({ y: px, x: px }),
  edge,
  fill,
  target,
  score,
  strategy,
  allowGaps: z.boolean(),
  refine: z.strictObject({ every: z.int(), share: z.number() }).nullable(),
  faithfulness: z.strictObject({ steps: z.int() }).nullable(),
  preset: given.shape.preset,
});

/**
 * How an image is occluded. The only source of defaults: every entry point parses through here.
 *
 * What is parsed is complete, with a preset written out beside its name, and parses again to the
 * same. `allowGaps` must be set to accept a stride beyond a patch, which leaves pixels never covered.
 */
export const occlusionSettings = given
  .superRefine((settings, context) => {
    if (settings.preset === undefined) return;
    for (const [name, value] of Object.entries(articleFixed)) {
      const got = settings[name as keyof typeof articleFixed];
      if (got === undefined || sameJson(got, value)) continue;
      const message = `Expected ${JSON.stringify(value)}, which preset 'article' means, got ${JSON.stringify(got)}`;
      context.addIssue({ code: 'custom', path: [name], message });
    }
  })
  .transform((settings): z.input<typeof complete> => {
    // A field that is left out may be present as undefined, which must not hide a default.
    const present = Object.entries(settings).filter(([, value]) => value !== undefined);
    const base = settings.preset === 'article' ? article : defaults;
    return { ...base, ...Object.fromEntries(present) };
  })
  .refine(
    ({ allowGaps, stride, patch }) =>
      allowGaps || sizesOf(patch).every((one) => stride.y <= one.height && stride.x <= one.width),
    {
      path: ['stride'],
      message: 'Expected the stride to be at most the patch, or allowGaps to be true',
      when: ({ issues }) => issues.length === 0,
    },
  )
  .pipe(complete);

export type OcclusionSettings = z.output<typeof occlusionSettings>;
export type OcclusionSettingsInput = z.input<typeof occlusionSettings>;

/** Every patch size of a run, in the order given. */
export const patchesOf = ({ patch }: Pick<OcclusionSettings, 'patch'>): readonly Size[] =>
  sizesOf(patch);

/** `32x48`: a patch as files and flags name it, height first. */
export const sizeName = ({ height, width }: Size): string => `${height}x${width}`;

/**
 * Whether an image must be one shard: its positions depend on each other's scores, or it is judged
 * as a whole.
 */
export const needsWholeImage = ({
  refine,
  faithfulness,
}: Pick<OcclusionSettings, 'refine' | 'faithfulness'>): boolean =>
  refine !== null || faithfulness !== null;

const sizesOf = (patch: Size | readonly Size[]): readonly Size[] =>
  'height' in patch ? [patch] : patch;

/** Compare plain values whose keys the schema has put in one order. */
const sameJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
