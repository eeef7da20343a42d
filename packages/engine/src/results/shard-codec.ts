import type { ShardResult } from '@umbra/shared/contracts/shard';
import type { ScoredRows } from '@umbra/shared/occlusion/rows';
import { decodeFloats, decodeInts, encodeFloats, encodeInts } from '../encoding/npy.js';

/** Scored rows as they travel: base64 of little-endian numbers. */
export const encodeRows = ({
  rowStart,
  rowEnd,
  scores,
  winners,
}: ScoredRows): Pick<ShardResult, 'rowStart' | 'rowEnd' | 'scores' | 'winners'> => ({
  rowStart,
  rowEnd,
  scores: encodeFloats(scores).toString('base64'),
  winners: encodeInts(winners).toString('base64'),
});

/** The inverse of `encodeRows`, with all else that is said of them. */
export const decodeRows = <
  T extends Pick<ShardResult, 'rowStart' | 'rowEnd' | 'scores' | 'winners'>,
>(
  rows: T,
): Omit<T, 'scores' | 'winners'> & ScoredRows => ({
  ...rows,
  scores: decodeFloats(Buffer.from(rows.scores, 'base64')),
  winners: decodeInts(Buffer.from(rows.winners, 'base64')),
});
