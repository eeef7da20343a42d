import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import {
  encodeKernels,
  findLayer,
  findUnit,
  inspectImage,
  occludeInput,
  planOcclusion,
  prepareImage,
  readBundle,
  renderActivations,
  renderFilters,
  renderInput,
  renderReceptiveField,
  useNetwork,
} from '@umbra/engine';
import { filterView, tiling } from '@umbra/shared/contracts/layer';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { invalidInput } from '@umbra/shared/errors';
import type { z } from 'zod';
import { readPhoto } from '../lib/dry-run.js';
import { findModel } from '../lib/find-model.js';
import { outputFile, writeOutput } from '../lib/output.js';
import { parseSettings, settingsFlags } from '../lib/settings-flags.js';

export const filtersUsage = `  umbra filters NAME|DIR --layer LAYER --out FILE.png|FILE.npy
      the weights of a convolution, as a picture or as they are
      --layer LAYER           a name or place that 'umbra layers' prints, conv:N or features:N
      --mode rgb|channels|collated                                 [channels]
      --cell PX               side of one weight                   [what suits]
      --page N                of the pages of a layer with many    [1]`;
export const activationsUsage = `  umbra activations PHOTO --model NAME|DIR --layer LAYER --out FILE.png [--cell PX] [--page N]
      a layer's feature maps for one photo`;
export const fieldUsage = `  umbra receptive-field PHOTO --model NAME|DIR --layer LAYER [--unit ROW,COLUMN] --out FILE.png
      the photo with what one unit of a layer sees`;
export const inputUsage = `  umbra input PHOTO --model NAME|DIR --out FILE.png [--at ROW,COLUMN [--grid N]]
      what the model is given; with --at, with the patch there (--patch, --stride, --fill as for explain)`;

const text = { type: 'string' } as const;

/** Draw or save a convolution's weights. */
export async function filters(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { layer: text, mode: text, cell: text, page: text, out: text },
  });
  const folder = findModel(one(positionals, 'model'));
  const { bundle } = await readBundle(folder);
  const layer = required(values.layer, '--layer LAYER');
  const out = outputFile(values.out, ['.png', '.npy']);
  const view = parseView(filterView, { mode: values.mode, cell: values.cell, page: values.page });
  await useNetwork(folder, bundle, undefined, async (network) => {
    const { node } = findLayer(network.graph, layer);
    const kernels = await network.kernels(node);
    if (out.endsWith('.npy')) return writeOutput(out, Readable.from(encodeKernels(kernels)));
    const { channels } = bundle.input;
    return writePage(out, await renderFilters({ kernels, name: node.name, channels }, view));
  });
}

/** Draw a layer's feature maps for one photo. */
export async function activations(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { model: text, layer: text, cell: text, page: text, out: text },
  });
  const out = outputFile(values.out, ['.png']);
  const view = parseView(tiling, { cell: values.cell, page: values.page });
  const path = one(positionals, 'PHOTO');
  const layer = required(values.layer, '--layer LAYER');
  const { folder, bundle, image } = await openPhoto(path, values.model);
  await useNetwork(folder, bundle, image, async (network) => {
    const { node } = findLayer(network.graph, layer);
    const upTo = await network.upTo(node);
    try {
      const maps = await upTo.run(image.tensor);
      const names = { name: node.name, photo: basename(path) };
      return await writePage(out, await renderActivations(maps, names, view));
    } finally {
      await upTo.close();
    }
  });
}

/** Draw what a unit sees of a photo. */
export async function receptiveField(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { model: text, layer: text, unit: text, out: text },
  });
  const out = outputFile(values.out, ['.png']);
  const selector = required(values.layer, '--layer LAYER');
  const path = one(positionals, 'PHOTO');
  const { folder, bundle, photo, image } = await openPhoto(path, values.model);
  const { layer } = await useNetwork(folder, bundle, image, async ({ graph }) =>
    findLayer(graph, selector),
  );
  const unit = findUnit(layer, values.unit);
  await writeOutput(out, await renderReceptiveField(photo, image.frame, layer, unit));
}

/** Draw the model's input, as it is or with the patch at a position. */
export async function input(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...settingsFlags, model: text, at: text, grid: text, out: text },
  });
  const out = outputFile(values.out, ['.png']);
  const path = one(positionals, 'PHOTO');
  const { bundle, image } = await openPhoto(path, values.model);
  const name = basename(path);
  if (values.at === undefined) {
    return await writeOutput(out, await renderInput(image, bundle, `${name}: the model's input`));
  }
  const [, row, column] = /^(\d{1,6}),(\d{1,6})$/.exec(values.at) ?? [];
  const grid = Number(values.grid ?? 0);
  if (row === undefined || !Number.isInteger(grid)) {
    throw invalidInput(
      `Expected --at ROW,COLUMN and --grid N, got '${values.at}' and '${values.grid}'`,
    );
  }
  const settings = parseSettings(values);
  const plan = planOcclusion(image, settings);
  const position = { grid, row: Number(row), column: Number(column) };
  const occluded = occludeInput(image, bundle, settings, plan, position);
  const { top, left, bottom, right } = occluded.box;
  const title = `${name}: patch at row ${row}, column ${column} (y ${top}-${bottom}, x ${left}-${right})`;
  await writeOutput(out, await renderInput(occluded.image, bundle, title));
}

async function openPhoto(path: string, model = 'efficientnet-lite0') {
  const folder = findModel(model);
  const { bundle } = await readBundle(folder);
  return { folder, bundle, ...(await preparePhoto(path, bundle)) };
}

const maxPixels = 100_000_000;

/** A photo's file, and the model's input made of it. @throws {AppError} `invalid_input` */
export async function preparePhoto(path: string, bundle: ModelBundle) {
  const photo = await readPhoto(path);
  await inspectImage(photo, { maxPixels });
  return { photo, image: await prepareImage(photo, bundle.input, { maxPixels }) };
}

function one(positionals: readonly string[], what: string): string {
  const [first, ...others] = positionals;
  if (first !== undefined && others.length === 0) return first;
  throw invalidInput(`Expected one ${what}, got '${positionals.join(' ')}'`);
}

function required(value: string | undefined, flag: string): string {
  if (value !== undefined) return value;
  throw invalidInput(`Expected ${flag}, got none`);
}

/** @throws {AppError} `invalid_input` naming each bad flag and what was expected. */
function parseView<T extends z.ZodType>(schema: T, flags: object): z.output<T> {
  const given = Object.entries(flags).filter(([, value]) => value !== undefined);
  const parsed = schema.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `--${path.join('.')}: ${message}`,
  );
  throw invalidInput(problems.join('\n'));
}

async function writePage(
  out: string,
  { png, page, pages }: Awaited<ReturnType<typeof renderFilters>>,
) {
  await writeOutput(out, png);
  if (pages > 1) process.stderr.write(`Page ${page} of ${pages}: --page N draws another\n`);
}
