import type { Size } from '@umbra/shared/occlusion/grid';
import type { PixelBox, PixelOffset } from './canvas.js';
import { digitPx, suitableCell } from './tiles.js';

/** The slices of a page: the first of its kernels, their count, their channels, and a slice's extent. */
export type SliceExtent = Size & {
  readonly first: number;
  readonly kernels: number;
  readonly depth: number;
};

/** Measures of collated slices, px. */
export const sliceGeometry = {
  /** Words and ticks above the slices. */
  header: 40,
  /** Space between columns of kernels. */
  gap: 16,
  /** Side of a dead kernel's mark. */
  mark: 7,
  /** Least distance between ticks. */
  tickHeight: 16,
  tickWidth: (depth: number) => String(depth).length * digitPx + 8,
} as const;

/** Side to which a page grows whose cell is not given, px. */
const suitableSide = 1024;
/** Slices of this side are parted by lines. */
const minPartedPx = 9;
const maxColumns = 24;
/** Width by height that pages come close to. */
const suitableAspect = 4 / 3;
/** A matrix is drawn in several columns only where it is this many times higher than wide. */
const maxMatrixAspect = 4;

/** Where each slice of a page is, px from the upper left corner of the picture. */
export type SliceLayout = {
  /** Side of one weight. */
  readonly cell: number;
  readonly body: Size;
  /** Distance between slices. */
  readonly pitch: { readonly y: number; readonly x: number };
  /** Columns of kernels `[start, end)`, of the page, and what they fill. */
  readonly columns: readonly {
    readonly start: number;
    readonly end: number;
    readonly box: PixelBox;
  }[];
  /** Upper left corner of a slice. @param kernel Of the page. */
  placeOf(kernel: number, channel: number): PixelOffset;
  /** Place of a kernel's mark. */
  markOf(kernel: number): PixelBox;
};

/** Lay out collated slices. @param cell Side of one weight; what suits when left out. */
export function laySlices(extent: SliceExtent, cell?: number): SliceLayout {
  const { kernels, depth, height, width } = extent;
  const isMatrix = height * width === 1 && kernels <= maxMatrixAspect * depth;
  const counts = Array.from(
    { length: isMatrix ? 1 : Math.min(maxColumns, kernels) },
    (_, at) => at + 1,
  );
  const layouts = counts.map((count) =>
    layColumns(extent, count, cell ?? largestCell(extent, count)),
  );
  return layouts.reduce((best, layout) => (isBetter(layout, best) ? layout : best));
}

function isBetter(one: SliceLayout, other: SliceLayout): boolean {
  if (one.cell !== other.cell) return one.cell > other.cell;
  const distance = ({ body }: SliceLayout) =>
    Math.abs(Math.log(body.width / body.height / suitableAspect));
  return distance(one) < distance(other);
}

/** The largest cell at which a page is of a suitable side; 1 if none is. */
function largestCell(extent: SliceExtent, count: number): number {
  let cell = suitableCell(extent);
  const fits = () => {
    const { body } = layColumns(extent, count, cell);
    return Math.max(body.height, body.width) <= suitableSide;
  };
  while (cell > 1 && !fits()) cell -= 1;
  return cell;
}

function layColumns(extent: SliceExtent, count: number, cell: number): SliceLayout {
  const { first, kernels, depth, height, width } = extent;
  const { header, gap, mark } = sliceGeometry;
  const line = height * width > 1 && Math.min(height, width) * cell >= minPartedPx ? 1 : 0;
  const pitch = { y: height * cell + line, x: width * cell + line };
  const perColumn = Math.ceil(kernels / count);
  const axis = String(first + kernels).length * digitPx + 10;
  const inner = depth * pitch.x - line;
  const columnPitch = axis + inner + 2 + mark + gap;
  const placeOf = (kernel: number, channel: number): PixelOffset => ({
    left: Math.floor(kernel / perColumn) * columnPitch + axis + channel * pitch.x,
    top: header + (kernel % perColumn) * pitch.y,
  });
  const columns = Array.from({ length: Math.ceil(kernels / perColumn) }, (_, column) => {
    const [start, end] = [column * perColumn, Math.min((column + 1) * perColumn, kernels)];
    const box = { ...placeOf(start, 0), height: (end - start) * pitch.y - line, width: inner };
    return { start, end, box };
  });
  return {
    cell,
    pitch,
    columns,
    placeOf,
    body: {
      height: header + perColumn * pitch.y + 1,
      width: columns.length * columnPitch - gap,
    },
    markOf(kernel) {
      const { left, top } = placeOf(kernel, depth - 1);
      const side = Math.min(mark, pitch.y);
      const middle = top + Math.floor((pitch.y - line - side) / 2);
      return { left: left + width * cell + 3, top: middle, height: side, width: mark };
    },
  };
}
