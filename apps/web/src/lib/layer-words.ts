import type { Layer } from '@umbra/shared/contracts/layer';
import type { Size } from '@umbra/shared/occlusion/grid';
import type { FilterMode, UnitPlace } from './model-view.js';

/** Extents of a layer's maps, px of them. */
export type MapExtent = Size & { readonly channels: number };

/** The extents of a layer's feature maps; null where it gives none. */
export function mapOf({ outputShape }: Pick<Layer, 'outputShape'>): MapExtent | null {
  const [, channels, height, width, ...more] = outputShape ?? [];
  if (channels === undefined || height === undefined || width === undefined) return null;
  return more.length === 0 && height > 0 && width > 0 ? { channels, height, width } : null;
}

/** `96 × 112 × 112`, without the batch. */
export const formatShape = ({ outputShape }: Pick<Layer, 'outputShape'>): string =>
  outputShape === null ? '–' : outputShape.slice(1).join(' × ');

/** One number where both axes have the same. */
export const formatPair = ({ y, x }: { readonly y: number; readonly x: number }): string =>
  y === x ? String(y) : `${y} × ${x}`;

export const formatWindow = ({ kernel }: Pick<Layer, 'kernel'>): string =>
  kernel === null ? '' : `${kernel.y} × ${kernel.x}`;

/** Size, stride and offset of a layer's receptive field, px of the input. */
export function formatField({ receptiveField: field }: Pick<Layer, 'receptiveField'>) {
  if (field.kind !== 'window') {
    return { size: field.kind === 'whole' ? 'all' : 'unknown', jump: '', start: '' };
  }
  const pair = (part: 'size' | 'jump' | 'start') =>
    formatPair({ y: field.y[part], x: field.x[part] });
  return { size: `${field.y.size} × ${field.x.size}`, jump: pair('jump'), start: pair('start') };
}

/** What a layer does, for somebody who does not know the word. */
export const kindWords: Readonly<Record<Layer['kind'], string>> = {
  convolution: 'slides small filters over its input, each of which answers to one pattern',
  pooling: 'keeps one number of each window, so that maps get smaller',
  activation: 'bends each number by itself, so that layers do more than one layer could',
  normalization: 'brings numbers to a common scale',
  dense: 'weighs all numbers of its input at once',
  combination: 'joins maps of several layers',
  padding: 'puts a border around its input',
  reshaping: 'arranges the same numbers anew',
  other: 'is none of the common kinds',
};

/** The modes in which a layer's filters can be drawn; none where it has none. */
export function modesOf({ filters }: Pick<Layer, 'filters'>): readonly FilterMode[] {
  if (filters === null) return [];
  return filters[1] === 3 ? ['rgb', 'channels', 'collated'] : ['channels', 'collated'];
}

/** Why a layer has no filters to draw. */
export function whyNoFilters({ kind, parameters }: Pick<Layer, 'kind' | 'parameters'>): string {
  if (kind === 'convolution') {
    return 'Its weights are not stored as such in the file: they are quantized, or computed.';
  }
  if (kind === 'dense') {
    return 'A dense layer has one weight for each number of its input and each of its output: its weights have no shape in space.';
  }
  return parameters > 0
    ? 'Its trained numbers scale or shift whole maps: they have no shape in space.'
    : 'It has no trained numbers: filters are those of convolutions.';
}

/** The middle unit of a layer's maps, or the given one as far as the maps reach. */
export function unitWithin({ height, width }: Size, unit: UnitPlace | null): UnitPlace {
  if (unit === null) return { row: Math.floor(height / 2), column: Math.floor(width / 2) };
  return { row: Math.min(unit.row, height - 1), column: Math.min(unit.column, width - 1) };
}

type FieldAxis = { readonly size: number; readonly jump: number; readonly start: number };

/** Where a unit's receptive field begins and ends along an axis, px from the input's edge; part of it may lie outside. */
export function fieldAlong({ size, jump, start }: FieldAxis, unit: number) {
  const begin = start + unit * jump - (size - 1) / 2;
  return { begin, end: begin + size };
}

/** The unit whose receptive field has its middle nearest to a px of the input. */
export const unitNear = ({ jump, start }: FieldAxis, px: number, units: number): number =>
  Math.min(units - 1, Math.max(0, Math.round((px - 0.5 - start) / jump)));
