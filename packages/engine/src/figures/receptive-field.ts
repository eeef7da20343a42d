import { at } from '@umbra/shared/assert';
import type { Colour } from '@umbra/shared/colour-map';
import type { Layer } from '@umbra/shared/contracts/layer';
import { invalidInput } from '@umbra/shared/errors';
import type { Frame } from '@umbra/shared/occlusion/frame';
import type { Box } from '@umbra/shared/occlusion/grid';
import { isMap } from '../graph/graph.js';
import { defaultLimits } from '../image/decode.js';
import { decodePixels } from '../image/decoding.js';
import { seenBox, type Unit } from '../network/units.js';
import { drawCells, frameBox } from './canvas.js';
import { renderFigure } from './figure.js';
import { regionOf } from './overlay.js';

const maxSidePx = 800;
const outline: Colour = [226, 44, 30];
/** Brightness of what the unit does not see. */
const dimming = 0.4;

/** Draw the photo with what a unit sees outlined and the rest dimmed. @returns A PNG file. */
export async function renderReceptiveField(
  photo: Buffer,
  frame: Frame,
  layer: Layer,
  unit: Unit,
): Promise<Buffer> {
  const input = {
    height: frame.crop.bottom - frame.crop.top,
    width: frame.crop.right - frame.crop.left,
  };
  const seenInput = seenBox(layer, unit, input);
  const drawn = await decodePixels(photo, defaultLimits, {
    resize: { width: maxSidePx, height: maxSidePx, fit: 'inside' },
  });
  const seen = regionOf(frame, drawn, {
    top: frame.crop.top + seenInput.top,
    left: frame.crop.left + seenInput.left,
    bottom: frame.crop.top + seenInput.bottom,
    right: frame.crop.left + seenInput.right,
  });
  const within = (row: number, column: number) =>
    row >= seen.top &&
    row < seen.top + seen.height &&
    column >= seen.left &&
    column < seen.left + seen.width;
  const body = { height: drawn.height, width: drawn.width };
  return renderFigure({
    title: describe(layer, unit, seenInput),
    body,
    draw(canvas, corner) {
      drawCells(canvas, { ...corner, ...body, cell: 1 }, (row, column): Colour => {
        const start = (row * drawn.width + column) * 3;
        const brightness = within(row, column) ? 1 : dimming;
        const shade = (channel: number) => Math.round(at(drawn.data, start + channel) * brightness);
        return [shade(0), shade(1), shade(2)];
      });
      const box = { ...seen, left: corner.left + seen.left, top: corner.top + seen.top };
      frameBox(canvas, box, { thickness: 3, colour: outline });
    },
  });
}

function describe({ name, outputShape, receptiveField: field }: Layer, unit: Unit, box: Box) {
  if (!isMap(outputShape))
    throw invalidInput(`Expected a layer with feature maps; '${name}' has none`);
  const [, , rows, columns] = outputShape;
  const extent =
    field.kind === 'window'
      ? `${field.y.size} x ${field.x.size} px`
      : 'the whole input, since a layer before it is global';
  return `${name}: unit ${unit.row},${unit.column} of ${rows} x ${columns} sees ${extent}: rows ${box.top} to ${box.bottom}, columns ${box.left} to ${box.right} of the model's input`;
}
