import { type FilterView, filterModes } from '@umbra/shared/contracts/layer';
import { invalidInput } from '@umbra/shared/errors';
import { encodeFloats, npyHeader } from '../encoding/npy.js';
import type { Kernels } from '../network/types.js';
import { createCanvas, drawCells, encodeCanvas, label } from './canvas.js';
import { formatTick } from './heatmap.js';
import {
  assertCell,
  type FigurePage,
  grey,
  normaliseTile,
  pageOf,
  renderTiles,
  suitableCell,
  type Tile,
  tileGeometry,
} from './tiles.js';

export type FilterFigure = {
  readonly kernels: Kernels;
  /** Of the layer, for the heading. */
  readonly name: string;
  /** Of the network's first layer: which order colours have. */
  readonly channels: 'RGB' | 'BGR';
};

/**
 * Draw a convolution's weights, one page of them.
 *
 * `rgb`: a tile a kernel, its three channels together; `channels`: a tile a slice; `collated`: all
 * slices in one grey map, kernels downwards and channels to the right, raw and with one scale.
 *
 * @throws {AppError} `invalid_input` if the mode, page or cell does not fit the layer.
 */
export function renderFilters(figure: FilterFigure, view: FilterView): Promise<FigurePage> {
  switch (view.mode) {
    case 'rgb':
      return renderRgb(figure, view);
    case 'channels':
      return renderChannels(figure, view);
    case 'collated':
      return renderCollated(figure, view);
  }
}

const extentOf = ({ kernels, depth, height, width }: Kernels): string =>
  `${kernels} kernels of ${depth} x ${height} x ${width}`;
const pageWords = ({ page, pages }: { page: number; pages: number }): string =>
  pages === 1 ? '' : `, page ${page} of ${pages}`;

async function renderRgb(
  { kernels, name, channels }: FilterFigure,
  view: FilterView,
): Promise<FigurePage> {
  const { depth, height, width } = kernels;
  if (depth !== 3) {
    const others = filterModes.filter((mode) => mode !== 'rgb').join(' or ');
    throw invalidInput(
      `Expected mode ${others} for layer '${name}': rgb needs kernels of three channels, and these have ${depth}`,
    );
  }
  const { page, pages, start, end } = pageOf(kernels.kernels, view);
  const weights = await kernels.read(start, end);
  const plane = height * width;
  const tiles = Array.from({ length: end - start }, (_, index): Tile => {
    const values = normaliseTile(weights.subarray(index * 3 * plane, (index + 1) * 3 * plane));
    return {
      title: String(start + index),
      values: channels === 'RGB' ? values : reversePlanes(values, plane),
      ...{ height, width },
    };
  });
  const heading = `${name}: ${extentOf(kernels)}, in colour${pageWords({ page, pages })}`;
  const png = await renderTiles(heading, tiles, view.cell ?? suitableCell(kernels));
  return { png, page, pages };
}

function reversePlanes(values: Float32Array, plane: number): Float32Array {
  const reversed = new Float32Array(values.length);
  for (let at = 0; at < 3; at++) {
    reversed.set(values.subarray(at * plane, (at + 1) * plane), (2 - at) * plane);
  }
  return reversed;
}

async function renderChannels(
  { kernels, name }: FilterFigure,
  view: FilterView,
): Promise<FigurePage> {
  const { depth, height, width, groups } = kernels;
  const { page, pages, start, end } = pageOf(kernels.kernels * depth, view);
  const first = Math.floor(start / depth);
  const weights = await kernels.read(first, Math.ceil(end / depth));
  const plane = height * width;
  const tiles = Array.from({ length: end - start }, (_, index): Tile => {
    const kernel = Math.floor((start + index) / depth);
    const channel = (start + index) % depth;
    const at = (start + index - first * depth) * plane;
    // Of a grouped convolution, the channel of the whole map that the slice reads.
    const group = Math.floor(kernel / (kernels.kernels / groups));
    return {
      title: `${kernel},${group * depth + channel}`,
      values: normaliseTile(weights.subarray(at, at + plane)),
      ...{ height, width },
    };
  });
  const heading = `${name}: ${extentOf(kernels)}, each slice (kernel,channel) on its own scale${pageWords({ page, pages })}`;
  const png = await renderTiles(heading, tiles, view.cell ?? suitableCell(kernels));
  return { png, page, pages };
}

/** Weights read at once, numbers. */
const readAtOnce = 1024 * 1024;
/** The longer side of a figure whose cell is not given, and its most rows of numbers a page. */
const suitableSide = 1024;
const rowsPerPage = 4096;
const bar = { width: 18, label: 84 } as const;

async function renderCollated(
  { kernels, name }: FilterFigure,
  view: FilterView,
): Promise<FigurePage> {
  const { depth, height, width } = kernels;
  const perPage = Math.max(1, Math.floor(rowsPerPage / height));
  const { page, pages, start, end } = pageOf(kernels.kernels, view, perPage);
  const scale = await rangeOf(kernels);
  const weights = await kernels.read(start, end);
  const numbers = { height: (end - start) * height, width: depth * width };
  const cell = view.cell ?? Math.min(8, suitableCell(numbers, suitableSide));
  const { margin, gap, heading: headingPx } = tileGeometry;
  const sizeAt = (side: number, words = 0) => ({
    height: 2 * margin + words + gap + Math.max(numbers.height * side, 120),
    width: Math.max(2 * margin + numbers.width * side + gap + bar.width + gap + bar.label, 360),
  });
  assertCell(cell, sizeAt);
  const words = await label(
    `${name}: ${extentOf(kernels)}, raw weights, kernels downwards, channels to the right${pageWords({ page, pages })}`,
    headingPx,
    sizeAt(cell).width - 2 * margin,
  );
  const canvas = createCanvas(sizeAt(cell, words.height));
  words.draw(canvas, { left: margin, top: margin });
  const top = margin + words.height + gap;
  const span = scale.high - scale.low;
  drawCells(canvas, { left: margin, top }, numbers, cell, (row, column) => {
    const kernel = Math.floor(row / height);
    const channel = Math.floor(column / width);
    const at = ((kernel * depth + channel) * height + (row % height)) * width + (column % width);
    return grey(span > 0 ? ((weights[at] ?? 0) - scale.low) / span : 0.5);
  });
  const barHeight = Math.max(120, Math.min(numbers.height * cell, 480));
  const left = margin + numbers.width * cell + gap;
  drawCells(canvas, { left, top }, { height: barHeight, width: bar.width }, 1, (row) =>
    grey(1 - row / (barHeight - 1)),
  );
  const limit = Math.max(Math.abs(scale.low), Math.abs(scale.high));
  for (const share of [1, 0.5, 0]) {
    const tick = await label(formatTick(scale.low + span * share, limit), 12);
    const y = Math.round((1 - share) * (barHeight - tick.height));
    tick.draw(canvas, { left: left + bar.width + gap, top: top + y });
  }
  return { png: await encodeCanvas(canvas), page, pages };
}

/** The smallest and the largest weight of a layer. */
async function rangeOf(kernels: Kernels): Promise<{ low: number; high: number }> {
  const { depth, height, width } = kernels;
  const step = Math.max(1, Math.floor(readAtOnce / (depth * height * width)));
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let start = 0; start < kernels.kernels; start += step) {
    for (const value of await kernels.read(start, Math.min(start + step, kernels.kernels))) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return { low, high };
}

/**
 * A convolution's weights as a NumPy file, float32 [kernels, depth, height, width], a few at a time.
 *
 * @returns Pieces of the file, in order.
 */
export async function* encodeKernels(kernels: Kernels): AsyncGenerator<Buffer> {
  const { depth, height, width } = kernels;
  yield npyHeader('<f4', [kernels.kernels, depth, height, width]);
  const step = Math.max(1, Math.floor(readAtOnce / (depth * height * width)));
  for (let start = 0; start < kernels.kernels; start += step) {
    yield encodeFloats(await kernels.read(start, Math.min(start + step, kernels.kernels)));
  }
}
