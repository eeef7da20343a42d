import { at } from '@umbra/shared/assert';
import type { Range } from '../../graph/window.js';
import type { Placement, StagePort } from '../types.js';
import type { Piece, PortMap } from './pieces.js';

/** A rectangle of a map, or beyond it. */
export type MapWindow = { readonly y: Range; readonly x: Range };

/** Numbers in a port's window at a place. */
export function windowLength(
  { channels }: StagePort,
  port: number,
  { y, x }: { readonly y: Placement; readonly x: Placement },
): number {
  const [rows, columns] = [at(y.ports, port), at(x.ports, port)];
  return (rows.end - rows.start) * (columns.end - columns.start) * channels;
}

/**
 * Cut a window out of a map of which one piece has changed.
 *
 * @param target Receives [rows, columns, channels] from index `start` on.
 * @param window Outside the map it is filled with the port's padding.
 */
export function cutWindow(
  target: { readonly data: Float32Array; readonly start: number },
  { port, kept }: PortMap,
  changed: Piece,
  { y, x }: MapWindow,
): void {
  const { data } = target;
  const { channels, width, height } = port;
  const pitch = (x.end - x.start) * channels;
  const from = Math.max(0, x.start);
  const to = Math.min(x.end, width);
  const changedFrom = Math.max(from, changed.x.start);
  const changedTo = Math.min(to, changed.x.end);
  // A port without padding has windows inside its map.
  const outside = port.padValue ?? 0;
  let start = target.start;
  for (let row = y.start; row < y.end; row++, start += pitch) {
    if (row < 0 || row >= height) {
      data.fill(outside, start, start + pitch);
      continue;
    }
    const inside = start + (from - x.start) * channels;
    if (from > x.start) data.fill(outside, start, inside);
    if (to < x.end) data.fill(outside, start + (to - x.start) * channels, start + pitch);
    const keptFrom = (row * width + from) * channels;
    const touched = row >= changed.y.start && row < changed.y.end && changedFrom < changedTo;
    if (!touched) {
      copy(data, inside, kept, keptFrom, (to - from) * channels);
      continue;
    }
    const before = (changedFrom - from) * channels;
    if (before > 0) copy(data, inside, kept, keptFrom, before);
    const source =
      changed.offset +
      (row - changed.y.start) * changed.pitch +
      (changedFrom - changed.x.start) * channels;
    const length = (changedTo - changedFrom) * channels;
    copy(data, inside + before, changed.data, source, length);
    const after = (to - changedTo) * channels;
    if (after > 0) copy(data, inside + before + length, kept, keptFrom + before + length, after);
  }
}

// biome-ignore lint/complexity/useMaxParams: hot, once or more a row of every window
function copy(
  target: Float32Array,
  start: number,
  source: Float32Array,
  from: number,
  length: number,
): void {
  if (length < 48) {
    // Setting a view costs more than copying a few numbers one by one.
    for (let index = 0; index < length; index++) {
      target[start + index] = source[from + index] as number;
    }
    return;
  }
  target.set(source.subarray(from, from + length), start);
}
