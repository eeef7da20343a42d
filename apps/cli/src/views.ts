import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import {
  encodeKernels,
  findLayer,
  findUnit,
  inspectImage,
  type ModelInput,
  occludeInput,
  openNetwork,
  planOcclusion,
  prepareImage,
  renderActivations,
  renderFilters,
  renderInput,
  renderReceptiveField,
} from '@umbra/engine';
import { filterView, invalidInput, type ModelBundle, readBundle, tiling } from '@umbra/shared';
import type { z } from 'zod';
import { readPhoto } from './dry-run.js';
import { findModel } from './find-model.js';
import { outputFile, writeOutput } from './output.js';
import { parseSettings, settingsFlags } from './settings-flags.js';

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
  const { bundle, network } = await openModel(one(positionals, 'model'));
  const { node } = findLayer(network.graph, required(values.layer, '--layer LAYER'));
  const out = outputFile(values.out, ['.png', '.npy']);
  const kernels = await network.kernels(node);
  if (out.endsWith('.npy')) return await writeOutput(out, Readable.from(encodeKernels(kernels)));
  const view = parseView(filterView, { mode: values.mode, cell: values.cell, page: values.page });
  const { channels } = bundle.input;
  await writePage(out, await renderFilters({ kernels, name: node.name, channels }, view));
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
  const { image, network } = await openPhoto(path, values.model);
  const { node } = findLayer(network.graph, required(values.layer, '--layer LAYER'));
  const upTo = await network.upTo(node);
  try {
    const maps = await upTo.run(image.tensor);
    const names = { name: node.name, photo: basename(path) };
    await writePage(out, await renderActivations(maps, names, view));
  } finally {
    await upTo.close();
  }
}

/** Draw what a unit sees of a photo. */
export async function receptiveField(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { model: text, layer: text, unit: text, out: text },
  });
  const out = outputFile(values.out, ['.png']);
  const { photo, image, network } = await openPhoto(one(positionals, 'PHOTO'), values.model);
  const { layer } = findLayer(network.graph, required(values.layer, '--layer LAYER'));
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

async function openModel(name: string, photo?: ModelInput) {
  const folder = findModel(name);
  const { bundle } = await readBundle(folder);
  return { bundle, network: await openNetwork(folder, bundle, photo) };
}

async function openPhoto(path: string, model = 'efficientnet-lite0') {
  const { bundle } = await readBundle(findModel(model));
  const { photo, image } = await preparePhoto(path, bundle);
  return { photo, image, ...(await openModel(model, image)) };
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
