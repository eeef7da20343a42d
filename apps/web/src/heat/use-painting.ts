import type { Grid } from '@umbra/shared/occlusion/grid';
import { type RefObject, useLayoutEffect, useMemo, useRef } from 'react';
import { layOutCells } from './cell-layout.js';
import type { ScoreCells } from './cells.js';
import { type PaintOptions, paintHeat } from './paint.js';

/** Paint cells on a canvas whenever they, or how they are painted, change. */
export function usePainting(
  cells: ScoreCells,
  grid: Grid,
  { limit, isSmooth, layer, opacity, maxSidePx }: PaintOptions,
): RefObject<HTMLCanvasElement | null> {
  const canvas = useRef<HTMLCanvasElement>(null);
  const layout = useMemo(() => layOutCells(grid), [grid]);
  useLayoutEffect(() => {
    const options = { limit, isSmooth, layer, opacity, maxSidePx };
    const painting = paintHeat(cells, layout, grid.image, options);
    const { height, width, pixels } = painting;
    if (canvas.current === null) return;
    canvas.current.height = height;
    canvas.current.width = width;
    canvas.current.getContext('2d')?.putImageData(new ImageData(pixels, width, height), 0, 0);
  }, [cells, grid, layout, limit, isSmooth, layer, opacity, maxSidePx]);
  return canvas;
}
