import { at } from '@umbra/shared/assert';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { denormalise } from '../image/denormalise.js';
import type { ModelInput } from '../image/preprocess.js';
import { createCanvas, drawCells, encodeCanvas, setText } from './canvas.js';
import type { Colour } from './colour-map.js';

const margin = 16;
const maxSidePx = 448;

/** Draw the model's input as it is seen, below a title. @returns A PNG file. */
export async function renderInput(
  image: ModelInput,
  { input }: Pick<ModelBundle, 'input'>,
  title: string,
): Promise<Buffer> {
  const { height, width } = image;
  const cell = Math.max(1, Math.floor(maxSidePx / Math.max(height, width)));
  const heading = await setText(title, 14, Math.max(width * cell, 240));
  const canvas = createCanvas({
    height: margin + heading.height + 8 + height * cell + margin,
    width: 2 * margin + Math.max(width * cell, 240),
  });
  heading.draw(canvas, { left: margin, top: margin });
  const pixels = denormalise(image.tensor, image, input);
  const top = margin + heading.height + 8;
  drawCells(canvas, { left: margin, top, height, width, cell }, (row, column): Colour => {
    const start = (row * width + column) * 3;
    return [at(pixels, start), at(pixels, start + 1), at(pixels, start + 2)];
  });
  return encodeCanvas(canvas);
}
