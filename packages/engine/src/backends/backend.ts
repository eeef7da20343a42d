import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { Provider, TfjsChoice } from '@umbra/shared/contracts/provider';

/** A loaded network: images in, class scores of each image out. */
export type Backend = {
  readonly name: string;
  readonly version: string;
  readonly device: string;
  /**
   * Run a batch of images of one extent.
   *
   * @param batch float32, `count` images in the bundle's layout, normalised.
   * @returns float32 [count, classes], in the bundle's output unit.
   */
  run(batch: Float32Array, count: number, height: number, width: number): Promise<Float32Array>;
  close(): Promise<void>;
};

export type BackendOptions = {
  readonly provider: Provider;
  /** Maximum count of threads of one session. */
  readonly sessionThreads: number;
  /** Backend of TensorFlow.js models; the best that loads if left out. */
  readonly tfjs?: TfjsChoice;
};

export type LoadBackend = (
  folder: string,
  bundle: ModelBundle,
  options: BackendOptions,
) => Promise<Backend>;
