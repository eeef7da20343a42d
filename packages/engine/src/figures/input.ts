import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { invalidInput } from '@umbra/shared/errors';
import { type Box, patchBox } from '@umbra/shared/occlusion/grid';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import { channelStride, type ModelInput } from '../image/preprocess.js';
import { copyBox } from '../occlusion/copy.js';
import { fillImage } from '../occlusion/fill.js';
import { createCanvas, drawCells, encodeCanvas, label } from './canvas.js';
import type { Colour } from './colour-map.js';

type Input = ModelBundle['input'];
const margin = 16;
const longestSide = 448;

/**
 * Undo the normalisation: the colours that the model is given.
 *
 * @param tensor One image in the bundle's layout.
 * @returns RGB, 8 bits a channel, [height, width, 3]; clamped, since fills may lie outside.
 */
export function denormalise(
  tensor: Float32Array,
  { height, width }: { readonly height: number; readonly width: number },
  input: Input,
): Buffer {
  const pixels = Buffer.alloc(3 * height * width);
  for (let channel = 0; channel < 3; channel++) {
    const colour = input.channels === 'RGB' ? channel : 2 - channel;
    const [start, step] = channelStride(input.layout, channel, height * width);
    const [mean = 0, std = 1] = [input.mean[channel], input.std[channel]];
    for (let at = 0; at < height * width; at++) {
      const value = ((tensor[start + at * step] ?? 0) * std + mean) / input.scale;
      pixels[at * 3 + colour] = Math.round(Math.min(255, Math.max(0, value)));
    }
  }
  return pixels;
}

/**
 * The input with the patch at one position: what the model saw there.
 *
 * @throws {AppError} `invalid_input` if the plan has no such position.
 */
export function occludeInput(
  image: ModelInput,
  { input }: Pick<ModelBundle, 'input'>,
  settings: OcclusionSettings,
  { grids }: OcclusionPlan,
  at: { readonly grid: number; readonly row: number; readonly column: number },
): { readonly image: ModelInput; readonly box: Box } {
  const grid = grids[at.grid];
  if (grid === undefined) {
    throw invalidInput(`Expected grid to be from 0 to ${grids.length - 1}, got ${at.grid}`);
  }
  if (at.row >= grid.rows || at.column >= grid.columns) {
    throw invalidInput(
      `Expected a position from 0,0 to ${grid.rows - 1},${grid.columns - 1} (row,column), got ${at.row},${at.column}`,
    );
  }
  const box = patchBox(grid, at.row, at.column);
  const tensor = image.tensor.slice();
  copyBox(tensor, fillImage(image, settings.fill, input), image, input.layout, box);
  return { image: { ...image, tensor }, box };
}

/** Draw the model's input as it is seen, below a title. @returns A PNG file. */
export async function renderInput(
  image: ModelInput,
  { input }: Pick<ModelBundle, 'input'>,
  title: string,
): Promise<Buffer> {
  const { height, width } = image;
  const cell = Math.max(1, Math.floor(longestSide / Math.max(height, width)));
  const heading = await label(title, 14, Math.max(width * cell, 240));
  const canvas = createCanvas({
    height: margin + heading.height + 8 + height * cell + margin,
    width: 2 * margin + Math.max(width * cell, 240),
  });
  heading.draw(canvas, { left: margin, top: margin });
  const pixels = denormalise(image.tensor, image, input);
  const top = margin + heading.height + 8;
  drawCells(canvas, { left: margin, top }, image, cell, (row, column): Colour => {
    const at = (row * width + column) * 3;
    return [pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0];
  });
  return encodeCanvas(canvas);
}
