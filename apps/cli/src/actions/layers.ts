import { listLayers, readBundle, useNetwork } from '@umbra/engine';
import type { Layer } from '@umbra/shared/contracts/layer';
import { findModel } from '../lib/find-model.js';
import { parseSize } from '../lib/flags.js';
import { printJson } from '../lib/output.js';
import { alignColumns } from '../lib/summary.js';

export type LayersOptions = { readonly size?: string; readonly json?: boolean };

/** Print the layers of a model. */
export async function layers(model: string, options: LayersOptions): Promise<void> {
  const folder = findModel(model);
  const { bundle, digest } = await readBundle(folder);
  const size = parseSize(options.size) ?? bundle.input;
  const found = await useNetwork(folder, bundle, size, async ({ graph }) => listLayers(graph));
  const { height, width } = size;
  const list = { model: bundle.name, digest, input: { height, width }, layers: found };
  if (options.json) printJson(list);
  else process.stdout.write(`${formatLayers(found)}\n`);
}

function formatLayers(found: readonly Layer[]): string {
  const header = ['layer', 'name', 'operation', 'output', 'window', 'parameters', 'sees (px)'];
  const places = header.concat('jump', 'start', 'called');
  return alignColumns([
    places,
    ...found.map((layer) => [
      String(layer.index),
      layer.name,
      layer.op,
      layer.outputShape?.slice(1).join(' x ') ?? 'unknown',
      formatWindow(layer),
      String(layer.parameters),
      ...formatField(layer.receptiveField),
      [
        layer.convolution !== null && `conv:${layer.convolution}`,
        layer.feature !== null && `features:${layer.feature}`,
      ]
        .filter((place) => place !== false)
        .join(' '),
    ]),
  ]);
}

function formatWindow({ kernel, stride, padding, dilation, groups }: Layer): string {
  if (kernel === null || stride === null || padding === null || dilation === null) return '';
  const { top, left, bottom, right } = padding;
  const sides = [top, left, bottom, right];
  const even = sides.every((side) => side === top);
  const pair = ({ y, x }: { y: number; x: number }) => (y === x ? String(y) : `${y}x${x}`);
  return [
    `${kernel.y}x${kernel.x}`,
    pair(stride) !== '1' && `stride ${pair(stride)}`,
    !(even && top === 0) && `pad ${even ? top : sides.join(',')}`,
    pair(dilation) !== '1' && `dilation ${pair(dilation)}`,
    groups !== null && groups > 1 && `groups ${groups}`,
  ]
    .filter((part) => part !== false)
    .join(' ');
}

function formatField(field: Layer['receptiveField']): [string, string, string] {
  if (field.kind !== 'window') return [field.kind === 'whole' ? 'all' : 'unknown', '', ''];
  const { y, x } = field;
  const pair = (a: number, b: number) => (a === b ? String(a) : `${a}x${b}`);
  return [pair(y.size, x.size), pair(y.jump, x.jump), pair(y.start, x.start)];
}
