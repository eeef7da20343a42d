import type { Colour } from '@umbra/shared/colour-map';
import {
  type Canvas,
  drawCells,
  hatchBox,
  type PixelOffset,
  setText,
  surroundBox,
} from './canvas.js';

/** Widths of a colour bar, of the gap beside it and of its labels, px; and what it has below it. */
export const barGeometry = { width: 18, gap: 8, label: 84, swatch: 18 } as const;
/** Width of a bar with its labels, px. */
export const barWidth = barGeometry.width + barGeometry.gap + barGeometry.label;
const tickPx = 12;

/** What a colour bar shows. */
export type ColourScale = {
  /** @param level From 0, at the bar's bottom, to 1. */
  colourAt(level: number): Colour;
  /** Labels from the bar's top, level 1, to its bottom, level 0: evenly apart. */
  readonly ticks: readonly string[];
  /** Words beside a striped swatch, where the figure has striped parts. */
  readonly unknown?: string | undefined;
};

/** Draw a colour bar with its labels. @param height The swatch's included. */
export async function drawColourBar(
  canvas: Canvas,
  { left, top, height }: PixelOffset & { readonly height: number },
  { colourAt, ticks, unknown }: ColourScale,
): Promise<void> {
  const { width, gap, swatch } = barGeometry;
  const barHeight = unknown === undefined ? height : height - swatch - 2 * gap;
  const bar = { left, top, height: barHeight, width };
  drawCells(canvas, { ...bar, cell: 1 }, (row) => colourAt(1 - row / (barHeight - 1)));
  surroundBox(canvas, bar);
  const labelLeft = left + width + gap;
  for (const [index, tick] of ticks.entries()) {
    const label = await setText(tick, tickPx);
    const share = ticks.length === 1 ? 0.5 : index / (ticks.length - 1);
    const y = Math.round(share * (barHeight - label.height));
    label.draw(canvas, { left: labelLeft, top: top + y });
  }
  if (unknown === undefined) return;
  const box = { left, top: top + height - swatch, height: swatch, width };
  hatchBox(canvas, box);
  surroundBox(canvas, box);
  const label = await setText(unknown, tickPx, barGeometry.label);
  const y = Math.round((swatch - label.height) / 2);
  label.draw(canvas, { left: labelLeft, top: box.top + y });
}
