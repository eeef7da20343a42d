import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { ErrorReport } from '@umbra/shared/errors';
import type { BackendOptions } from '../backends/backend.js';
import type { TensorShape } from '../graph/graph.js';
import type {
  BaselineMaps,
  BaselineTask,
  BoxesTask,
  LastInputs,
  LastTask,
  ShapeProbeTask,
} from '../incremental/types.js';
import type { FeaturesTask } from '../network/types.js';
import type { ImageBatch } from '../occlusion/image-batch.js';

/** A model that a thread is to know; nothing is read until a task needs it. */
export type OpenRequest = {
  readonly kind: 'open';
  readonly digest: string;
  readonly folder: string;
  readonly bundle: ModelBundle;
  /** Options of the whole network's session; its threads are also those of the last stage. */
  readonly options: BackendOptions;
};

/** What the main thread asks of a thread. */
export type ThreadRequest =
  | OpenRequest
  /** Load the whole network. */
  | { readonly kind: 'load'; readonly digest: string }
  | ({ readonly kind: 'run'; readonly digest: string } & ImageBatch)
  | ({ readonly kind: 'baseline'; readonly digest: string } & BaselineTask)
  | ({ readonly kind: 'boxes'; readonly digest: string } & BoxesTask)
  /** `boxes` without the last stage. */
  | ({ readonly kind: 'segments'; readonly digest: string } & BoxesTask)
  | ({ readonly kind: 'last'; readonly digest: string } & LastTask)
  | ({ readonly kind: 'shapes'; readonly digest: string } & ShapeProbeTask)
  | ({ readonly kind: 'features'; readonly digest: string } & FeaturesTask);

export type ThreadReply =
  | { readonly kind: 'opened' }
  | {
      readonly kind: 'loaded';
      readonly name: string;
      readonly version: string;
      readonly device: string;
    }
  /** float32 [images or boxes, classes], or [images, channels] */
  | { readonly kind: 'outputs'; readonly outputs: Float32Array }
  | ({ readonly kind: 'maps' } & BaselineMaps)
  | { readonly kind: 'inputs'; readonly inputs: LastInputs }
  | { readonly kind: 'shapes'; readonly shapes: ReadonlyMap<string, TensorShape> }
  | { readonly kind: 'failed'; readonly error: ErrorReport };

/** Opening and running may overlap on a thread, so a reply names the request that it answers. */
export type Numbered<T> = { readonly id: number; readonly content: T };
