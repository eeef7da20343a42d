/** How a wall of tiles is laid out, px. */
export type WallGrid = {
  readonly columns: number;
  /** Side of a tile's picture. */
  readonly tilePx: number;
  /** Height of a line of tiles, with the gap below. */
  readonly linePx: number;
};

/** Gap between tiles, as in the styles. */
export const gapPx = 12;
/** Height of a tile's words below its picture, as in the styles. */
const wordsPx = 64;
const narrowPx = 500;

/** Lay tiles out over a width: some in a line on phones too. */
export function gridOfWidth(width: number): WallGrid {
  const minPx = width < narrowPx ? 104 : 132;
  const columns = Math.max(1, Math.floor((width + gapPx) / (minPx + gapPx)));
  const tilePx = Math.max(1, Math.floor((width - gapPx * (columns - 1)) / columns));
  return { columns, tilePx, linePx: tilePx + wordsPx + gapPx };
}

export type WallStep = {
  readonly position: number;
  readonly count: number;
  readonly columns: number;
  /** Positions of a screen, whole lines. */
  readonly page: number;
  /** Whether Home and End lead to the ends of all, not of the line. */
  readonly isFar: boolean;
};

/** Where a key leads from a position; null for a key that leads nowhere. */
export function stepOf(
  key: string,
  { position, count, columns, page, isFar }: WallStep,
): number | null {
  const last = count - 1;
  if (last < 0) return null;
  const line = position - (position % columns);
  /** Lines up or down, in the same column as far as there is one. */
  const vertical = (by: number): number => {
    const to = position + by;
    if (to < 0) return position % columns;
    return Math.min(to, last);
  };
  const to = {
    ArrowLeft: Math.max(0, position - 1),
    ArrowRight: Math.min(last, position + 1),
    ArrowUp: position < columns ? position : position - columns,
    ArrowDown: line + columns > last ? position : Math.min(last, position + columns),
    PageUp: vertical(-page),
    PageDown: vertical(page),
    Home: isFar ? 0 : line,
    End: isFar ? last : Math.min(last, line + columns - 1),
  }[key];
  return to ?? null;
}
