import { at } from '@umbra/shared/assert';
import type { Grid } from '@umbra/shared/occlusion/grid';
import { createCanvas, drawCells, encodeCanvas, setText } from './canvas.js';
import { barGeometry, drawColourBar } from './colour-bar.js';
import { type Colour, sequentialColour } from './colour-map.js';
import { formatTick } from './heatmap.js';

const margin = 16;
const mapPx = 448;
const unknown: Colour = [190, 190, 190];

/**
 * Draw the model's raw scores as the founding article does: one cell a position, dark where the score
 * is low, and the colour scale's upper end at the unoccluded score (what exceeds it is clipped).
 *
 * @param scores Scores of one target, float32 [rows, columns]; NaN, drawn grey, where nothing is known.
 * @param baseline Score of the unoccluded image.
 * @returns A PNG file.
 */
export async function renderScoreMap(
  scores: Float32Array,
  { rows, columns }: Pick<Grid, 'rows' | 'columns'>,
  baseline: number,
  title: string,
): Promise<Buffer> {
  const known = scores.filter((score) => !Number.isNaN(score));
  const lowest = known.reduce((low, score) => Math.min(low, score), baseline);
  const span = baseline - lowest;
  const colourOf = (score: number): Colour => {
    if (Number.isNaN(score)) return unknown;
    return sequentialColour(span > 0 ? (score - lowest) / span : 1);
  };
  const cell = Math.max(1, Math.floor(mapPx / Math.max(rows, columns)));
  const map = { height: rows * cell, width: columns * cell };
  const bar = barGeometry.width + barGeometry.gap + barGeometry.label;
  const width = margin + map.width + margin + bar;
  const heading = await setText(title, 16, width - 2 * margin);
  const top = margin + heading.height + 12;
  const canvas = createCanvas({ height: top + map.height + margin, width });
  heading.draw(canvas, { left: margin, top: margin });
  const cells = { left: margin, top, height: rows, width: columns, cell };
  drawCells(canvas, cells, (row, column) => colourOf(at(scores, row * columns + column)));
  const corner = { left: margin + map.width + margin, top };
  await drawColourBar(
    canvas,
    { ...corner, height: map.height },
    {
      colourAt: sequentialColour,
      tickAt: (level) => formatTick(lowest + span * level, Math.abs(baseline)).replace('+', ''),
    },
  );
  return encodeCanvas(canvas);
}
