import type { ShardResult } from '@umbra/shared/contracts/shard';
import type { ScoredRows } from '@umbra/shared/occlusion/rows';
import { decodeFloats, decodeInts, encodeFloats, encodeInts } from '../encoding/npy.js';

/** Encode scored rows for a queue: base64 of little-endian numbers. */
export const encodeRows = ({
  rowStart,
  rowEnd,
  scores,
  predictedClasses,
}: ScoredRows): Pick<ShardResult, 'rowStart' | 'rowEnd' | 'scores' | 'predictedClasses'> => ({
  rowStart,
  rowEnd,
  scores: encodeFloats(scores).toString('base64'),
  predictedClasses: encodeInts(predictedClasses).toString('base64'),
});

/** The inverse of `encodeRows`; other fields are kept as they are. */
export const decodeRows = <
  T extends Pick<ShardResult, 'rowStart' | 'rowEnd' | 'scores' | 'predictedClasses'>,
>(
  rows: T,
): Omit<T, 'scores' | 'predictedClasses'> & ScoredRows => ({
  ...rows,
  scores: decodeFloats(Buffer.from(rows.scores, 'base64')),
  predictedClasses: decodeInts(Buffer.from(rows.predictedClasses, 'base64')),
});
