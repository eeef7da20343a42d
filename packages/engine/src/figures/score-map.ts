import type { Grid } from '@umbra/shared/occlusion/grid';
import { createCanvas, drawCells, encodeCanvas, label } from './canvas.js';
import { type Colour, sequentialColour } from './colour-map.js';
import { formatTick } from './heatmap.js';

const margin = 16;
const mapPx = 448;
const unknown: Colour = [190, 190, 190];
const bar = { width: 18, label: 84 } as const;

/**
 * Draw the model's raw scores as the founding article does: one cell a position, dark where the score
 * is low, and the colour scale's upper end at the unoccluded score (what exceeds it is clipped).
 *
 * @param scores Of one target, [rows, columns]; NaN, drawn grey, where nothing is known.
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
  const width = margin + map.width + margin + bar.width + 8 + bar.label;
  const heading = await label(title, 16, width - 2 * margin);
  const top = margin + heading.height + 12;
  const canvas = createCanvas({ height: top + map.height + margin, width });
  heading.draw(canvas, { left: margin, top: margin });
  drawCells(canvas, { left: margin, top }, { height: rows, width: columns }, cell, (row, column) =>
    colourOf(scores[row * columns + column] ?? Number.NaN),
  );
  const left = margin + map.width + margin;
  drawCells(canvas, { left, top }, { height: map.height, width: bar.width }, 1, (row) =>
    sequentialColour(1 - row / (map.height - 1)),
  );
  for (const share of [1, 0.5, 0]) {
    const tick = await label(
      formatTick(lowest + span * share, Math.abs(baseline)).replace('+', ''),
      12,
    );
    const y = Math.round((1 - share) * (map.height - tick.height));
    tick.draw(canvas, { left: left + bar.width + 8, top: top + y });
  }
  return encodeCanvas(canvas);
}
