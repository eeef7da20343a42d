import { at } from '@umbra/shared/assert';
import { type Colour, divergingColour } from '@umbra/shared/colour-map';
import { type FilterView, filterModes } from '@umbra/shared/contracts/layer';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { invalidInput } from '@umbra/shared/errors';
import { surveyWeights, type WeightSurvey } from '../network/kernels.js';
import type { Kernels } from '../network/types.js';
import type { ColourScale } from './colour-bar.js';
import { describeDead } from './describe-dead.js';
import { renderCollated } from './slice-map.js';
import { symmetricTicks } from './ticks.js';
import {
  describePage,
  type FigurePage,
  grey,
  level,
  normaliseTile,
  pageOf,
  renderTiles,
  suitableCell,
  type Tile,
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
 * slices in one grey map, kernels downwards and channels to the right, raw and with one scale. Kernels
 * of 1 x 1 are one matrix in both of the last. Dead kernels are marked.
 *
 * @throws {AppError} `invalid_input` if the mode, page or cell does not fit the layer.
 */
export async function renderFilters(figure: FilterFigure, view: FilterView): Promise<FigurePage> {
  const { depth, height, width } = figure.kernels;
  if (view.mode === 'rgb') {
    if (depth !== 3) throw noColours(figure);
    return renderRgb(figure, view);
  }
  const isMatrix = height * width === 1;
  return view.mode === 'collated' || isMatrix
    ? renderCollated(figure, view)
    : renderChannels(figure, view);
}

function noColours({ name, kernels }: FilterFigure): Error {
  const others = filterModes.filter((mode) => mode !== 'rgb').join(' or ');
  return invalidInput(
    `Expected mode ${others} for layer '${name}': rgb needs kernels of three channels, and these have ${kernels.depth}`,
  );
}

async function renderRgb(
  { kernels, name, channels }: FilterFigure,
  view: FilterView,
): Promise<FigurePage> {
  const { height, width } = kernels;
  const { page, pages, start, end } = pageOf(kernels.kernels, view);
  const survey = await surveyWeights(kernels);
  const weights = await kernels.read(start, end);
  const plane = height * width;
  const order = channels === 'BGR' ? ([2, 1, 0] as const) : ([0, 1, 2] as const);
  const tiles = Array.from({ length: end - start }, (_, index): Tile => {
    const own = weights.subarray(index * 3 * plane, (index + 1) * 3 * plane);
    const levels = view.scale === 'own' ? normaliseTile(own) : own.map(levelOn(survey));
    const levelAt = (channel: number, place: number) => level(at(levels, channel * plane + place));
    return {
      title: String(start + index),
      colourAt(row, column): Colour {
        const place = row * width + column;
        return [levelAt(order[0], place), levelAt(order[1], place), levelAt(order[2], place)];
      },
      isCrossed: survey.dead.includes(start + index),
      height,
      width,
    };
  });
  const words = {
    title: `${name}: ${describeExtent(kernels)}, in colour${describePage({ page, pages })}`,
    ...describeScale(survey, view, (share) => grey((share + 1) / 2)),
  };
  const png = await renderTiles(words, tiles, view.cell ?? suitableCell(kernels));
  return { png, page, pages };
}

async function renderChannels(
  { kernels, name }: FilterFigure,
  view: FilterView,
): Promise<FigurePage> {
  const { depth, height, width, groups } = kernels;
  const { page, pages, start, end } = pageOf(kernels.kernels * depth, view);
  const survey = await surveyWeights(kernels);
  const first = Math.floor(start / depth);
  const weights = await kernels.read(first, Math.ceil(end / depth));
  const plane = height * width;
  const tiles = Array.from({ length: end - start }, (_, index): Tile => {
    const kernel = Math.floor((start + index) / depth);
    const channel = (start + index) % depth;
    const offset = (start + index - first * depth) * plane;
    const colours = coloursOf(weights.subarray(offset, offset + plane), survey, view);
    // A kernel of a grouped convolution reads the channels of its group alone.
    const group = Math.floor(kernel / (kernels.kernels / groups));
    return {
      title: `${kernel},${group * depth + channel}`,
      colourAt: (row, column) => at(colours, row * width + column),
      isCrossed: survey.dead.includes(kernel),
      height,
      width,
    };
  });
  const words = {
    title: `${name}: ${describeExtent(kernels)}, each slice as kernel,channel${describePage({ page, pages })}`,
    ...describeScale(survey, view, divergingColour),
  };
  const png = await renderTiles(words, tiles, view.cell ?? suitableCell(kernels));
  return { png, page, pages };
}

/** Colours of a slice's weights; null where they are not finite. */
function coloursOf(
  weights: Float32Array,
  { limit }: WeightSurvey,
  { scale }: FilterView,
): readonly (Colour | null)[] {
  if (scale === 'own') return Array.from(normaliseTile(weights), grey);
  return Array.from(weights, (weight) =>
    Number.isFinite(weight) ? divergingColour(limit > 0 ? weight / limit : 0) : null,
  );
}

/** The place of a weight on a scale whose middle is 0, in [0, 1]. */
const levelOn =
  ({ limit }: WeightSurvey) =>
  (weight: number): number =>
    limit > 0 && Number.isFinite(weight) ? 0.5 + weight / (2 * limit) : 0.5;

/** Words and bar of a scale. @param colourAt Colour of a share of the largest weight, -1 to 1. */
function describeScale(
  survey: WeightSurvey,
  { scale }: FilterView,
  colourAt: (share: number) => Colour,
): { readonly caption: string; readonly scale?: ColourScale } {
  const dead = describeDead(survey);
  if (scale === 'own') return { caption: `each on its own scale, (w - mean) / std + 0.5; ${dead}` };
  return {
    caption: `weights on one scale of the layer; ${dead}`,
    scale: {
      colourAt: (place) => colourAt(2 * place - 1),
      ticks: symmetricTicks(survey.limit),
    },
  };
}

const describeExtent = ({ kernels, depth, height, width }: Kernels): string =>
  `${kernels} kernels of ${depth} x ${height} x ${width}`;
