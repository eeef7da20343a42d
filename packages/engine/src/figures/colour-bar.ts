import { type Canvas, drawCells, type PixelOffset, setText } from './canvas.js';
import type { Colour } from './colour-map.js';

/** Widths of a colour bar, of the gap beside it and of its labels, px. */
export const barGeometry = { width: 18, gap: 8, label: 84 } as const;
const tickPx = 12;

/** What a colour bar shows, by a number in [0, 1] from its bottom to its top. */
export type ColourScale = {
  colourAt(level: number): Colour;
  tickAt(level: number): string;
};

/** Draw a colour bar with labels at its top, its middle and its bottom. */
export async function drawColourBar(
  canvas: Canvas,
  { left, top, height }: PixelOffset & { readonly height: number },
  { colourAt, tickAt }: ColourScale,
): Promise<void> {
  const bar = { left, top, height, width: barGeometry.width, cell: 1 };
  drawCells(canvas, bar, (row) => colourAt(1 - row / (height - 1)));
  for (const level of [1, 0.5, 0]) {
    const tick = await setText(tickAt(level), tickPx);
    const y = Math.round((1 - level) * (height - tick.height));
    tick.draw(canvas, { left: left + barGeometry.width + barGeometry.gap, top: top + y });
  }
}
