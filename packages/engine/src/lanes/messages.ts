import type { Box, ErrorReport, ModelBundle, Size } from '@umbra/shared';

/** What the main thread asks of a lane. */
export type LaneRequest =
  | {
      readonly kind: 'open';
      readonly digest: string;
      readonly folder: string;
      readonly bundle: ModelBundle;
    }
  | {
      readonly kind: 'run';
      readonly digest: string;
      /** One clean image in shared memory, so that no batch copies it between threads. */
      readonly image: SharedArrayBuffer;
      readonly size: Size;
      /** One image of the batch for each box; an empty box leaves the image clean. */
      readonly boxes: readonly Box[];
      readonly values: readonly number[];
    };

export type LaneReply =
  | {
      readonly kind: 'opened';
      readonly name: string;
      readonly version: string;
      readonly device: string;
    }
  /** float32 [boxes, classes] */
  | { readonly kind: 'rows'; readonly rows: Float32Array }
  | { readonly kind: 'failed'; readonly error: ErrorReport };

/** Opening and running may overlap on a lane, so a reply says which request it answers. */
export type Numbered<T> = { readonly id: number; readonly content: T };
