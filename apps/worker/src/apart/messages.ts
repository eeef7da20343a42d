import type { MergePayload, ShardPayload, ShardReturn } from '@umbra/shared/contracts/shard';
import type { ErrorReport } from '@umbra/shared/errors';
import type { RowRange } from '@umbra/shared/occlusion/shards';
import type { WorkerConfig } from '../config.js';
import type { LostRows, RunRows } from '../shards/run-rows.js';

/** What a worker asks of the process that runs suspects: to start, then rows and merges, one request at a time; then to end. */
export type ApartRequest =
  | { readonly kind: 'start'; readonly config: Readonly<WorkerConfig> }
  | { readonly kind: 'compute'; readonly shard: ShardPayload; readonly range: RowRange }
  | ({ readonly kind: 'merge' } & MergeRequest)
  | { readonly kind: 'end' };

/** An image whose results are to be written, and what its shards have returned. */
export type MergeRequest = {
  readonly image: MergePayload;
  readonly returned: readonly ShardReturn[];
};

export type ApartReply =
  | { readonly kind: 'ready' }
  /** A sign of life while it computes. */
  | { readonly kind: 'alive' }
  /** Its inference does not end: it is to be killed. */
  | { readonly kind: 'late'; readonly seconds: number }
  | { readonly kind: 'rows'; readonly rows: RunRows | LostRows }
  | { readonly kind: 'failed'; readonly error: ErrorReport; readonly isOutage: boolean };

export const aliveEveryMs = 1_000;
