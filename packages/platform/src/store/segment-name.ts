import { invalidInput } from '@umbra/shared/errors';

/** What a segment of a dataset's journal holds. */
export type SegmentTotals = {
  readonly images: number;
  readonly bytes: number;
  readonly refused: number;
};

/** A segment's name has its totals, so that they are known without reading it. */
export const segmentName = (index: number, { images, bytes, refused }: SegmentTotals): string =>
  `${String(index).padStart(8, '0')}-${images}-${bytes}-${refused}.jsonl`;

/** @param key Of a segment. @throws {AppError} `invalid_input` if it is none. */
export function parseSegment(
  key: string,
): SegmentTotals & { readonly stream: string; readonly index: number } {
  const found = /([^/]+)\/(\d{8})-(\d+)-(\d+)-(\d+)\.jsonl$/.exec(key);
  if (found === null) throw invalidInput(`Expected a segment, got '${key}'`);
  const [index = 0, images = 0, bytes = 0, refused = 0] = found.slice(2).map(Number);
  return { stream: found[1] ?? '', index, images, bytes, refused };
}
