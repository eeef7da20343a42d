import type { ShardResult } from '@umbra/shared/contracts/shard';
import type { ScoredRows } from '@umbra/shared/occlusion/rows';
import type { RowRange } from '@umbra/shared/occlusion/shards';

/** Decoded rows of a run, with its baseline and provenance. */
export type RunRows = ScoredRows & Omit<ShardResult, 'scores' | 'predictedClasses'>;

/** Rows that the store has lost, as half-open ranges. */
export type LostRows = { readonly lost: readonly RowRange[] };

/** Computes rows of one image. */
export type ComputeRows = (range: RowRange) => Promise<RunRows>;
