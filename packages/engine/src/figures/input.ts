import { at } from '@umbra/shared/assert';
import type { Colour } from '@umbra/shared/colour-map';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { denormalise } from '../image/denormalise.js';
import type { ModelInput } from '../image/preprocess.js';
import { drawCells, surroundBox } from './canvas.js';
import { renderFigure } from './figure.js';

const maxSidePx = 448;

/** Draw the model's input as it is seen, below a title. @returns A PNG file. */
export function renderInput(
  image: ModelInput,
  { input }: Pick<ModelBundle, 'input'>,
  title: string,
): Promise<Buffer> {
  const { height, width } = image;
  const cell = Math.max(1, Math.floor(maxSidePx / Math.max(height, width)));
  const body = { height: height * cell, width: width * cell };
  const pixels = denormalise(image.tensor, image, input);
  return renderFigure({
    title,
    body,
    draw(canvas, corner) {
      drawCells(canvas, { ...corner, height, width, cell }, (row, column): Colour => {
        const start = (row * width + column) * 3;
        return [at(pixels, start), at(pixels, start + 1), at(pixels, start + 2)];
      });
      surroundBox(canvas, { ...corner, ...body });
    },
  });
}
