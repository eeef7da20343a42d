import type { Range } from '../../graph/window.js';
import type { Placement, StagePort } from '../plan/program.js';

/** Part of a feature map, channels last. */
export type Piece = {
  readonly data: Float32Array;
  /** Index of its first number. */
  readonly offset: number;
  /** Numbers from one row to the next. */
  readonly pitch: number;
  readonly y: Range;
  readonly x: Range;
};

/** A whole map as a piece. */
export const wholeMap = (
  data: Float32Array,
  { height, width, channels }: Pick<StagePort, 'height' | 'width' | 'channels'>,
): Piece => ({
  data,
  offset: 0,
  pitch: width * channels,
  y: { start: 0, end: height },
  x: { start: 0, end: width },
});

/** Numbers in a port's window at a place. */
export const windowLength = (
  port: StagePort,
  index: number,
  row: Placement,
  column: Placement,
): number => {
  const [y, x] = [row.ports[index], column.ports[index]];
  return y === undefined || x === undefined
    ? 0
    : (y.end - y.start) * (x.end - x.start) * port.channels;
};

/**
 * Cut a window out of a map of which one piece has changed.
 *
 * @param target Receives [rows, columns, channels] from index `at` on.
 * @param kept The map of the unoccluded run.
 * @param y, x Range of the window; outside the map it is filled with the port's padding.
 */
export function cutWindow(
  target: Float32Array,
  at: number,
  port: StagePort,
  kept: Float32Array,
  changed: Piece,
  y: Range,
  x: Range,
): void {
  const { channels, width, height } = port;
  const pitch = (x.end - x.start) * channels;
  const from = Math.max(0, x.start);
  const to = Math.min(x.end, width);
  const changedFrom = Math.max(from, changed.x.start);
  const changedTo = Math.min(to, changed.x.end);
  const outside = port.padValue ?? 0;
  let start = at;
  for (let row = y.start; row < y.end; row++, start += pitch) {
    if (row < 0 || row >= height) {
      target.fill(outside, start, start + pitch);
      continue;
    }
    if (from > x.start) target.fill(outside, start, start + (from - x.start) * channels);
    if (to < x.end) target.fill(outside, start + (to - x.start) * channels, start + pitch);
    const keptRow = row * width;
    const touched = row >= changed.y.start && row < changed.y.end && changedFrom < changedTo;
    if (!touched) {
      copy(
        target,
        start + (from - x.start) * channels,
        kept,
        (keptRow + from) * channels,
        (to - from) * channels,
      );
      continue;
    }
    if (changedFrom > from) {
      copy(
        target,
        start + (from - x.start) * channels,
        kept,
        (keptRow + from) * channels,
        (changedFrom - from) * channels,
      );
    }
    const source =
      changed.offset +
      (row - changed.y.start) * changed.pitch +
      (changedFrom - changed.x.start) * channels;
    copy(
      target,
      start + (changedFrom - x.start) * channels,
      changed.data,
      source,
      (changedTo - changedFrom) * channels,
    );
    if (to > changedTo) {
      copy(
        target,
        start + (changedTo - x.start) * channels,
        kept,
        (keptRow + changedTo) * channels,
        (to - changedTo) * channels,
      );
    }
  }
}

function copy(
  target: Float32Array,
  at: number,
  source: Float32Array,
  from: number,
  length: number,
): void {
  if (length < 48) {
    // Setting a view costs more than copying a few numbers one by one.
    for (let index = 0; index < length; index++) target[at + index] = source[from + index] ?? 0;
    return;
  }
  target.set(source.subarray(from, from + length), at);
}
