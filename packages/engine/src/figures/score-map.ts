import { at } from '@umbra/shared/assert';
import { type Colour, sequentialColour } from '@umbra/shared/colour-map';
import type { Grid } from '@umbra/shared/occlusion/grid';
import { drawCells, surroundBox } from './canvas.js';
import { renderFigure } from './figure.js';
import { hasUnknown } from './heatmap.js';
import { rangeTicks } from './ticks.js';

const mapPx = 448;

/**
 * Draw the model's raw scores as the founding article does: one cell a position, dark where the score
 * is low, and the colour scale's upper end at the unoccluded score (what exceeds it is clipped).
 *
 * @param scores Scores of one target, float32 [rows, columns]; NaN, drawn striped, where nothing is known.
 * @param baseline Score of the unoccluded image.
 * @returns A PNG file.
 */
export function renderScoreMap(
  scores: Float32Array,
  { rows, columns }: Pick<Grid, 'rows' | 'columns'>,
  baseline: number,
  title: string,
): Promise<Buffer> {
  const known = scores.filter((score) => !Number.isNaN(score));
  const lowest = known.reduce((low, score) => Math.min(low, score), baseline);
  const span = baseline - lowest;
  const colourOf = (score: number): Colour | null =>
    Number.isNaN(score) ? null : sequentialColour(span > 0 ? (score - lowest) / span : 1);
  const cell = Math.max(1, Math.floor(mapPx / Math.max(rows, columns)));
  const body = { height: rows * cell, width: columns * cell };
  return renderFigure({
    title,
    body,
    draw(canvas, corner) {
      const cells = { ...corner, height: rows, width: columns, cell };
      drawCells(canvas, cells, (row, column) => colourOf(at(scores, row * columns + column)));
      surroundBox(canvas, { ...corner, ...body });
    },
    scale: {
      colourAt: sequentialColour,
      ticks: rangeTicks(lowest, baseline),
      unknown: hasUnknown(scores) ? 'not known' : undefined,
    },
  });
}
