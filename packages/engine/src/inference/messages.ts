import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { ErrorReport } from '@umbra/shared/errors';
import type { Box, Size } from '@umbra/shared/occlusion/grid';
import type { BackendOptions } from '../backends/backend.js';
import type { LastInputs } from '../incremental/run/execute.js';
import type {
  BaselineMaps,
  BaselineTask,
  BoxesTask,
  LastTask,
} from '../incremental/run/segments.js';

/** What the main thread asks of a thread. */
export type ThreadRequest =
  /** Say what a model is; nothing is read until a task needs it. */
  | {
      readonly kind: 'open';
      readonly digest: string;
      readonly folder: string;
      readonly bundle: ModelBundle;
      /** Of a session of the whole network; the threads also of its last stage. */
      readonly options: BackendOptions;
    }
  /** Load the whole network. */
  | { readonly kind: 'load'; readonly digest: string }
  | ({ readonly kind: 'run' } & Batch)
  | ({ readonly kind: 'baseline'; readonly digest: string } & BaselineTask)
  | ({ readonly kind: 'boxes'; readonly digest: string } & BoxesTask)
  /** The same without the last stage. */
  | ({ readonly kind: 'segments'; readonly digest: string } & BoxesTask)
  | ({ readonly kind: 'last'; readonly digest: string } & LastTask);

export type OpenRequest = Extract<ThreadRequest, { kind: 'open' }>;

/** One image and what to replace in it: an image of the batch for each box or range of ranks. */
export type Batch = {
  readonly digest: string;
  /** float32, in shared memory, so that no batch copies it between threads. */
  readonly original: SharedArrayBuffer;
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

export type ThreadReply =
  | { readonly kind: 'opened' }
  | {
      readonly kind: 'loaded';
      readonly name: string;
      readonly version: string;
      readonly device: string;
    }
  /** float32 [boxes, classes] */
  | { readonly kind: 'rows'; readonly rows: Float32Array }
  | ({ readonly kind: 'maps' } & BaselineMaps)
  | { readonly kind: 'inputs'; readonly inputs: LastInputs }
  | { readonly kind: 'failed'; readonly error: ErrorReport };

/** Opening and running may overlap on a thread, so a reply says which request it answers. */
export type Numbered<T> = { readonly id: number; readonly content: T };
