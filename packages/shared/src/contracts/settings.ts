import { z } from 'zod';

const px = z.int().min(1).max(16_384);

/** An extent in px: one number for a square, or both sides. */
const size = z
  .union([px, z.strictObject({ height: px, width: px })])
  .transform((value) => (typeof value === 'number' ? { height: value, width: value } : value));

/** A step in px: one number for both axes, or one an axis. */
const step = z
  .union([px, z.strictObject({ y: px, x: px })])
  .transform((value) => (typeof value === 'number' ? { y: value, x: value } : value));

/**
 * What is written under the patch. A `normalized` value is the number the model sees (0 is the
 * mean colour); a `pixel` value in [0, 1] is a grey level, normalised like the photo.
 */
const fill = z.strictObject({
  kind: z.literal('constant'),
  value: z.number().min(-100).max(100),
  space: z.enum(['pixel', 'normalized']).default('normalized'),
});

/** The output class that is watched: the clean run's winner, or a class by index or by name. */
const target = z.union([
  z.strictObject({ kind: z.literal('predicted') }),
  z.strictObject({ kind: z.literal('class'), index: z.int().min(0) }),
  z.strictObject({ kind: z.literal('class'), name: z.string().min(1).max(200) }),
]);

/**
 * How an image is occluded. The only source of defaults: every entry point parses through here.
 *
 * `allowGaps` must be set to accept a stride beyond the patch, which leaves pixels never covered.
 */
export const occlusionSettings = z
  .strictObject({
    patch: size.default({ height: 32, width: 32 }),
    stride: step.default({ y: 16, x: 16 }),
    edge: z.enum(['clip', 'valid', 'article']).default('clip'),
    fill: fill.default({ kind: 'constant', value: 0, space: 'normalized' }),
    target: target.default({ kind: 'predicted' }),
    score: z.enum(['probability', 'logit']).default('probability'),
    allowGaps: z.boolean().default(false),
  })
  .refine(
    ({ allowGaps, stride, patch }) =>
      allowGaps || (stride.y <= patch.height && stride.x <= patch.width),
    {
      path: ['stride'],
      message: 'Expected the stride to be at most the patch, or allowGaps to be true',
    },
  );

export type OcclusionSettings = z.output<typeof occlusionSettings>;
export type OcclusionSettingsInput = z.input<typeof occlusionSettings>;
