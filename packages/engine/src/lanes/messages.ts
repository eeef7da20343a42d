import type { Box, ErrorReport, ModelBundle, Size } from '@umbra/shared';
import type { BoxesTask, CleanMaps, CleanTask } from './segments.js';

/** What the main thread asks of a lane. */
export type LaneRequest =
  | {
      readonly kind: 'open';
      readonly digest: string;
      readonly folder: string;
      readonly bundle: ModelBundle;
    }
  | ({ readonly kind: 'run' } & Batch)
  | ({ readonly kind: 'clean'; readonly digest: string } & CleanTask)
  | ({ readonly kind: 'boxes'; readonly digest: string } & BoxesTask);

export type OpenRequest = Extract<LaneRequest, { kind: 'open' }>;

/** One image and what to replace in it: an image of the batch for each box or range of ranks. */
export type Batch = {
  readonly digest: string;
  /** float32, in shared memory, so that no batch copies it between threads. */
  readonly clean: SharedArrayBuffer;
  /** The same layout: where replaced pixels come from. */
  readonly filled: SharedArrayBuffer;
  readonly size: Size;
} & (
  | {
      /** An empty box leaves the image clean. */
      readonly boxes: readonly Box[];
    }
  | {
      /** int32 [height, width]. */
      readonly ranks: SharedArrayBuffer;
      /** Pixels whose rank is in `[from, to)` are replaced. */
      readonly ranges: readonly { readonly from: number; readonly to: number }[];
    }
);

export type LaneReply =
  | {
      readonly kind: 'opened';
      readonly name: string;
      readonly version: string;
      readonly device: string;
    }
  /** float32 [boxes, classes] */
  | { readonly kind: 'rows'; readonly rows: Float32Array }
  | ({ readonly kind: 'maps' } & CleanMaps)
  | { readonly kind: 'failed'; readonly error: ErrorReport };

/** Opening and running may overlap on a lane, so a reply says which request it answers. */
export type Numbered<T> = { readonly id: number; readonly content: T };
