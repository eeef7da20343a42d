import type { Size } from '@umbra/shared/occlusion/grid';
import {
  type Canvas,
  createCanvas,
  encodeCanvas,
  type PixelOffset,
  setText,
  type TextBlock,
} from './canvas.js';
import { barWidth, type ColourScale, drawColourBar } from './colour-bar.js';

/** Measures of a figure, px: narrower ones would break their words, and lower ones their scale. */
export const figureGeometry = {
  margin: 16,
  gap: 12,
  minWidth: 360,
  minBar: 140,
  maxBar: 480,
} as const;
const titlePx = 16;
const captionPx = 12;

/** A picture with words above and below it, and its colours beside it. */
export type FigureParts = {
  readonly title: string;
  readonly body: Size;
  /** Draw the picture. @param corner Upper left corner of the body. */
  draw(canvas: Canvas, corner: PixelOffset): void | Promise<void>;
  readonly scale?: ColourScale | undefined;
  readonly caption?: string | undefined;
};

const barHeight = (body: Size): number =>
  Math.min(figureGeometry.maxBar, Math.max(figureGeometry.minBar, body.height));

/** Extent of a figure, px, without its words. @param hasScale Whether it has a colour bar. */
export function figureExtent(body: Size, hasScale: boolean): Size {
  const { margin, minWidth } = figureGeometry;
  const content = body.width + (hasScale ? margin + barWidth : 0);
  return {
    height: 2 * margin + Math.max(body.height, hasScale ? barHeight(body) : 0),
    width: 2 * margin + Math.max(content, minWidth),
  };
}

/**
 * Draw a figure.
 *
 * @returns A PNG file.
 * @throws {AppError} `invalid_input` if the picture would be too large.
 */
export async function renderFigure(figure: FigureParts): Promise<Buffer> {
  const { margin, gap } = figureGeometry;
  const { body, scale, title, caption } = figure;
  const { height, width } = figureExtent(body, scale !== undefined);
  const heading = await setText(title, titlePx, width - 2 * margin);
  const words: readonly TextBlock[] =
    caption === undefined ? [] : [await setText(caption, captionPx, width - 2 * margin)];
  const below = words.reduce((sum, block) => sum + gap + block.height, 0);
  const canvas = createCanvas({ height: height + heading.height + gap + below, width });
  heading.draw(canvas, { left: margin, top: margin });
  const top = margin + heading.height + gap;
  await figure.draw(canvas, { left: margin, top });
  if (scale !== undefined) {
    const left = margin + body.width + margin;
    await drawColourBar(canvas, { left, top, height: barHeight(body) }, scale);
  }
  for (const block of words) {
    block.draw(canvas, { left: margin, top: canvas.height - margin - block.height });
  }
  return encodeCanvas(canvas);
}
