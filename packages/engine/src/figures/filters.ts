import { at } from '@umbra/shared/assert';
import { type FilterView, filterModes } from '@umbra/shared/contracts/layer';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { invalidInput } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import { weightRange } from '../network/kernels.js';
import type { Kernels } from '../network/types.js';
import { createCanvas, drawCells, encodeCanvas, setText } from './canvas.js';
import { barGeometry, drawColourBar } from './colour-bar.js';
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
  /** Name of the layer, for the heading. */
  readonly name: string;
  /** Order of colours that the network's first layer takes. */
  readonly channels: ModelBundle['input']['channels'];
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

const describeExtent = ({ kernels, depth, height, width }: Kernels): string =>
  `${kernels} kernels of ${depth} x ${height} x ${width}`;
const describePage = ({ page, pages }: { page: number; pages: number }): string =>
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
      values: channels === 'BGR' ? reversePlanes(values, plane) : values,
      height,
      width,
    };
  });
  const heading = `${name}: ${describeExtent(kernels)}, in colour${describePage({ page, pages })}`;
  const png = await renderTiles(heading, tiles, view.cell ?? suitableCell(kernels));
  return { png, page, pages };
}

function reversePlanes(values: Float32Array, plane: number): Float32Array {
  const reversed = new Float32Array(values.length);
  for (let channel = 0; channel < 3; channel++) {
    reversed.set(values.subarray(channel * plane, (channel + 1) * plane), (2 - channel) * plane);
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
    const offset = (start + index - first * depth) * plane;
    // A kernel of a grouped convolution reads the channels of its group alone.
    const group = Math.floor(kernel / (kernels.kernels / groups));
    return {
      title: `${kernel},${group * depth + channel}`,
      values: normaliseTile(weights.subarray(offset, offset + plane)),
      height,
      width,
    };
  });
  const heading = `${name}: ${describeExtent(kernels)}, each slice (kernel,channel) on its own scale${describePage({ page, pages })}`;
  const png = await renderTiles(heading, tiles, view.cell ?? suitableCell(kernels));
  return { png, page, pages };
}

/** Longer side of a figure whose cell is not given, px. */
const suitableSide = 1024;
/** Maximum count of rows of weights on a page. */
const maxRowsPerPage = 4096;
const minFigureWidth = 360;
const minBarHeight = 120;
const maxBarHeight = 480;

async function renderCollated(
  { kernels, name }: FilterFigure,
  view: FilterView,
): Promise<FigurePage> {
  const { depth, height, width } = kernels;
  const perPage = Math.max(1, Math.floor(maxRowsPerPage / height));
  const { page, pages, start, end } = pageOf(kernels.kernels, view, perPage);
  const map = { height: (end - start) * height, width: depth * width };
  const cell = view.cell ?? Math.min(8, suitableCell(map, suitableSide));
  assertCell(cell, (side) => collatedExtent(map, side, 0));
  const scale = await weightRange(kernels);
  const weights = await kernels.read(start, end);
  const { margin, gap, heading: headingPx } = tileGeometry;
  const heading = await setText(
    `${name}: ${describeExtent(kernels)}, raw weights, kernels downwards, channels to the right${describePage({ page, pages })}`,
    headingPx,
    collatedExtent(map, cell, 0).width - 2 * margin,
  );
  const canvas = createCanvas(collatedExtent(map, cell, heading.height));
  heading.draw(canvas, { left: margin, top: margin });
  const top = margin + heading.height + gap;
  const span = scale.high - scale.low;
  drawCells(canvas, { left: margin, top, ...map, cell }, (row, column) => {
    const kernel = Math.floor(row / height);
    const channel = Math.floor(column / width);
    const index = ((kernel * depth + channel) * height + (row % height)) * width + (column % width);
    return grey(span > 0 ? (at(weights, index) - scale.low) / span : 0.5);
  });
  const limit = Math.max(Math.abs(scale.low), Math.abs(scale.high));
  const bar = {
    left: margin + map.width * cell + gap,
    top,
    height: Math.max(minBarHeight, Math.min(map.height * cell, maxBarHeight)),
  };
  await drawColourBar(canvas, bar, {
    colourAt: grey,
    tickAt: (level) => formatTick(scale.low + span * level, limit),
  });
  return { png: await encodeCanvas(canvas), page, pages };
}

/** Extent of a collated figure, px: its map, a colour bar beside it, and a heading above. */
function collatedExtent(map: Size, cell: number, headingHeight: number): Size {
  const { margin, gap } = tileGeometry;
  const bar = gap + barGeometry.width + gap + barGeometry.label;
  return {
    height: 2 * margin + headingHeight + gap + Math.max(map.height * cell, minBarHeight),
    width: Math.max(2 * margin + map.width * cell + bar, minFigureWidth),
  };
}
