import { at } from '@umbra/shared/assert';
import { type Colour, divergingColour } from '@umbra/shared/colour-map';
import type { FilterView } from '@umbra/shared/contracts/layer';
import { surveyWeights, type WeightSurvey } from '../network/kernels.js';
import type { Kernels } from '../network/types.js';
import {
  type Canvas,
  crossBox,
  drawCells,
  fillBox,
  inkColour,
  type PixelBox,
  type PixelOffset,
  setText,
  surroundBox,
} from './canvas.js';
import type { ColourScale } from './colour-bar.js';
import { describeDead } from './describe-dead.js';
import { figureExtent, renderFigure } from './figure.js';
import { laySlices, type SliceExtent, type SliceLayout, sliceGeometry } from './lay-slices.js';
import { rangeTicks, symmetricTicks } from './ticks.js';
import { assertCell, describePage, type FigurePage, grey, pageOf } from './tiles.js';

/** Maximum count of rows of weights on a page. */
const maxRowsPerPage = 4096;
const tickPx = 11;
/** Length of a tick's line, px. */
const tickLine = 4;

const partingColour: Colour = [255, 255, 255];

export type CollatedFigure = {
  readonly kernels: Kernels;
  readonly name: string;
};

/**
 * Draw all slices of a convolution on one scale, raw: kernels downwards, in as many columns as make a
 * page that can be looked at, and channels to the right. Slices of 1 x 1 are a matrix, with diverging
 * colours; others are grey.
 *
 * @throws {AppError} `invalid_input` if the page or cell does not fit the layer.
 */
export async function renderCollated(
  { kernels, name }: CollatedFigure,
  view: FilterView,
): Promise<FigurePage> {
  const { depth, height, width } = kernels;
  const perPage = Math.max(1, Math.floor(maxRowsPerPage / height));
  const { page, pages, start, end } = pageOf(kernels.kernels, view, perPage);
  const extent: SliceExtent = { first: start, kernels: end - start, depth, height, width };
  const layout = laySlices(extent, view.cell);
  assertCell(layout.cell, (side) => figureExtent(laySlices(extent, side).body, true));
  const survey = await surveyWeights(kernels);
  const scale = height * width === 1 ? matrixScale(survey) : greyScale(survey);
  const weights = await kernels.read(start, end);
  const dead = new Set(survey.dead);
  const words = wordsOf(kernels);
  const png = await renderFigure({
    title: `${name}: ${words.extent}${describePage({ page, pages })}`,
    body: layout.body,
    async draw(canvas, corner) {
      drawSlices(canvas, corner, { ...layout, extent, weights, colourOf: scale.colourOf });
      for (let kernel = 0; kernel < extent.kernels; kernel++) {
        if (dead.has(start + kernel)) markKernel(canvas, corner, layout.markOf(kernel));
      }
      await drawAxes(canvas, corner, { ...layout, extent, words: words.axes });
    },
    scale,
    caption: `raw weights on one scale; ${describeDead(survey)}`,
  });
  return { png, page, pages };
}

/** A colour bar, and the colours of weights by it. */
type WeightScale = ColourScale & { colourOf(weight: number): Colour | null };

function greyScale({ low, high }: WeightSurvey): WeightScale {
  return {
    colourAt: grey,
    ticks: rangeTicks(low, high),
    colourOf(weight) {
      if (!Number.isFinite(weight)) return null;
      return grey(high > low ? (weight - low) / (high - low) : 0.5);
    },
  };
}

function matrixScale({ limit }: WeightSurvey): WeightScale {
  const colourAt = (level: number) => divergingColour(2 * level - 1);
  // A matrix may have millions of weights; 0 is one of the steps.
  const steps = 2040;
  const colours = Array.from({ length: steps + 1 }, (_, step) => colourAt(step / steps));
  return {
    colourAt,
    ticks: symmetricTicks(limit),
    colourOf(weight) {
      if (!Number.isFinite(weight)) return null;
      const level = limit > 0 ? (weight / limit + 1) / 2 : 0.5;
      return at(colours, Math.round(level * steps));
    },
  };
}

function wordsOf({ kernels, depth, height, width, groups }: Kernels) {
  const read = groups === 1 ? '' : ' of its group';
  return height * width === 1
    ? {
        extent: `${kernels} output channels by ${depth} input channels${read}, 1 x 1`,
        axes: `\u2193 output channel   \u2192 input channel${read}`,
      }
    : {
        extent: `${kernels} kernels of ${depth} x ${height} x ${width}, collated`,
        axes: `\u2193 kernel   \u2192 channel${read}`,
      };
}

function drawSlices(
  canvas: Canvas,
  { left, top }: PixelOffset,
  {
    columns,
    placeOf,
    pitch,
    cell,
    extent,
    weights,
    colourOf,
  }: SliceLayout & {
    readonly extent: SliceExtent;
    readonly weights: Float32Array;
    colourOf(weight: number): Colour | null;
  },
): void {
  const { kernels, depth, height, width } = extent;
  for (const column of columns) {
    const box = { ...column.box, left: left + column.box.left, top: top + column.box.top };
    surroundBox(canvas, box);
    // What lies between slices is not drawn over, and parts them: most weights are near mid-grey.
    fillBox(canvas, box, partingColour);
  }
  // Slices without a frame between them are drawn a kernel at a time: a matrix has millions.
  const run = pitch.x === width * cell ? depth : 1;
  for (let slice = 0; slice < kernels * depth; slice += run) {
    const place = placeOf(Math.floor(slice / depth), slice % depth);
    const cells = { left: left + place.left, top: top + place.top, cell };
    drawCells(canvas, { ...cells, height, width: run * width }, (row, column) => {
      const of = slice + Math.floor(column / width);
      return colourOf(at(weights, (of * height + row) * width + (column % width)));
    });
  }
}

/** Mark a dead kernel at the end of its row: by a cross, or a stroke where rows are low. */
function markKernel(canvas: Canvas, { left, top }: PixelOffset, mark: PixelBox): void {
  const box = { ...mark, left: left + mark.left, top: top + mark.top };
  if (box.height < sliceGeometry.mark) fillBox(canvas, box, inkColour);
  else crossBox(canvas, box);
}

async function drawAxes(
  canvas: Canvas,
  { left, top }: PixelOffset,
  {
    columns,
    placeOf,
    pitch,
    extent,
    words,
  }: SliceLayout & { readonly extent: SliceExtent; readonly words: string },
): Promise<void> {
  (await setText(words, tickPx)).draw(canvas, { left, top });
  const { first, depth } = extent;
  const centre = { y: Math.floor((pitch.y - 1) / 2), x: Math.floor((pitch.x - 1) / 2) };
  for (const { box, start, end } of columns) {
    for (const kernel of ticksOf(end - start, pitch.y, sliceGeometry.tickHeight)) {
      const y = top + placeOf(start + kernel, 0).top + centre.y;
      const label = await setText(String(first + start + kernel), tickPx);
      const right = left + box.left - 2;
      fillBox(canvas, { left: right - tickLine, top: y, height: 1, width: tickLine }, inkColour);
      label.draw(canvas, {
        left: right - tickLine - 3 - label.width,
        top: y - Math.floor(label.height / 2),
      });
    }
    for (const channel of ticksOf(depth, pitch.x, sliceGeometry.tickWidth(depth))) {
      const x = left + placeOf(start, channel).left + centre.x;
      const label = await setText(String(channel), tickPx);
      const bottom = top + box.top - 2;
      fillBox(canvas, { left: x, top: bottom - tickLine, height: tickLine, width: 1 }, inkColour);
      label.draw(canvas, {
        left: Math.max(left, x - Math.floor(label.width / 2)),
        top: bottom - tickLine - 2 - label.height,
      });
    }
  }
}

/**
 * Places of ticks, evenly apart by 1, 2 or 5 times a power of ten.
 *
 * @param minPitchPx Minimum distance of two, px.
 */
function ticksOf(count: number, pitchPx: number, minPitchPx: number): number[] {
  let step = 1;
  for (let index = 0; step * pitchPx < minPitchPx; index++) {
    step = at([1, 2, 5], index % 3) * 10 ** Math.floor(index / 3);
  }
  return Array.from({ length: Math.ceil(count / step) }, (_, index) => index * step);
}
