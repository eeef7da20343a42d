import { parseArgs } from 'node:util';
import { listLayers, readBundle, useNetwork } from '@umbra/engine';
import type { Layer } from '@umbra/shared/contracts/layer';
import { invalidInput } from '@umbra/shared/errors';
import { findModel } from '../lib/find-model.js';
import { parseSize } from '../lib/output.js';
import { alignColumns } from '../lib/summary.js';

export const layersUsage = `  umbra layers NAME|DIR [--size HxW] [--json]
      every layer of a model: shape, window, parameters, receptive field; and what to call it by`;

/** Print the layers of a model. */
export async function layers(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { size: { type: 'string' }, json: { type: 'boolean' } },
  });
  const [name, ...others] = positionals;
  if (name === undefined || others.length > 0) {
    throw invalidInput(`Expected one model, got '${positionals.join(' ')}'`);
  }
  const folder = findModel(name);
  const { bundle, digest } = await readBundle(folder);
  const size = parseSize(values.size) ?? bundle.input;
  const found = await useNetwork(folder, bundle, size, async ({ graph }) => listLayers(graph));
  const { height, width } = size;
  const list = { model: bundle.name, digest, input: { height, width }, layers: found };
  process.stdout.write(values.json ? `${JSON.stringify(list)}\n` : `${formatLayers(found)}\n`);
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
