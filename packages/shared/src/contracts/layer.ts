import { z } from 'zod';

const count = z.int().min(0);
const axisField = z.strictObject({ size: z.number(), jump: z.number(), start: z.number() });
const perAxis = z.strictObject({ y: count, x: count });

export const layerKinds = [
  'convolution',
  'pooling',
  'activation',
  'normalization',
  'dense',
  'combination',
  'padding',
  'reshaping',
  'other',
] as const;

/**
 * One layer of a network, for one extent of its input.
 *
 * Its receptive field is `window`, of `size` px around `start + unit * jump` along each axis, px
 * counted from 0 at the first pixel's centre; `whole`, the whole input; or `unknown`.
 */
export const layer = z.strictObject({
  /** Place in the network's order. */
  index: count,
  name: z.string(),
  kind: z.enum(layerKinds),
  /** ONNX's word for the operation. */
  op: z.string(),
  /** [1, channels, height, width] of a feature map; null where it is not known. */
  outputShape: z.array(count).nullable(),
  kernel: perAxis.nullable(),
  stride: perAxis.nullable(),
  padding: z.strictObject({ top: count, left: count, bottom: count, right: count }).nullable(),
  dilation: perAxis.nullable(),
  /** Window of a convolution. */
  groups: z.int().min(1).nullable(),
  /** Extents of a convolution's weights, [kernels, channels that each reads, height, width]; null where it has none. */
  filters: z.array(count).nullable(),
  /** Numbers that training set. */
  parameters: count,
  receptiveField: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('window'), y: axisField, x: axisField }),
    z.strictObject({ kind: z.literal('whole') }),
    z.strictObject({ kind: z.literal('unknown') }),
  ]),
  /** Place among the convolutions. */
  convolution: count.nullable(),
  /** Place in `features` of torchvision's AlexNet and VGG, where the network is such a chain. */
  feature: count.nullable(),
});
export type Layer = z.output<typeof layer>;

/** `GET /v1/models/:name/layers` */
export const layerList = z.strictObject({
  model: z.string(),
  digest: z.string(),
  /** Extent of the input that shapes are for, px. */
  input: z.strictObject({ height: z.int().min(1), width: z.int().min(1) }),
  layers: z.array(layer),
});
export type LayerList = z.output<typeof layerList>;

export const filterModes = ['rgb', 'channels', 'collated'] as const;
export const filterScales = ['layer', 'own'] as const;
const whole = (least: number, most: number) => z.coerce.number().int().min(least).max(most);

/** How a tiled figure is drawn. */
export const tiling = z.strictObject({
  /** Side of one number, px; what suits the figure when left out. */
  cell: whole(1, 64).optional(),
  /** Page of the figure, from 1. */
  page: whole(1, 1_000_000).default(1),
});
export type Tiling = z.output<typeof tiling>;

/** The query of `GET /v1/models/:name/layers/:layer/filters.png`. */
export const filterView = tiling.extend({
  mode: z.enum(filterModes).default('channels'),
  /** What a tile's colours are relative to: all weights of the layer, or its own, as in the article. */
  scale: z.enum(filterScales).default('layer'),
});
export type FilterView = z.output<typeof filterView>;
