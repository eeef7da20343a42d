import { z } from 'zod';
import { modelBundle, outputKind } from './model.js';

const { layout, channels, interpolation } = modelBundle.shape.input.shape;
const text = z.string().min(1).max(1_000);
const perChannel = z.array(z.number()).min(1).max(3);

/**
 * What the part `description` of `POST /v1/models` says of an ONNX file. What the file states may be left out, and
 * is refused where it contradicts the file; see `modelBundle` for what each means.
 */
export const modelUpload = z.strictObject({
  name: modelBundle.shape.name,
  /** Extent of the input, px; needed where the file leaves it open. */
  size: z.strictObject({ height: z.int().min(1), width: z.int().min(1) }).optional(),
  layout: layout.optional(),
  channels: channels.optional(),
  /** Needed, unless the input takes whole numbers. */
  scale: z.number().positive().optional(),
  /** Zeros when left out. */
  mean: perChannel.optional(),
  /** Ones when left out. */
  std: perChannel.optional(),
  /** A crop to the input's larger side when left out. */
  resize: z
    .strictObject({
      rule: z.enum(['crop', 'fit', 'squash']),
      shorterSide: z.int().min(1).optional(),
    })
    .optional(),
  interpolation: interpolation.optional(),
  /** Needed, unless the file's last operation tells. */
  output: outputKind.optional(),
  /** Needed where the file has several outputs that may be scores. */
  outputName: text.optional(),
  positive: text.optional(),
  negative: text.optional(),
  threshold: z.number().gt(0).lt(1).optional(),
  licence: text.optional(),
  source: text.optional(),
});
export type ModelUpload = z.output<typeof modelUpload>;
