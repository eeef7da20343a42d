import {
  type AppError,
  type CleanRun,
  type Grid,
  type ModelBundle,
  type OcclusionSettings,
  type Provenance,
  planGrid,
  type RowRange,
  readBundle,
  type Size,
  umbraVersion,
  verifyBundle,
} from '@umbra/shared';
import type { ModelInput } from './image/preprocess.js';
import { openLanePool } from './lanes/pool.js';
import { readLabels } from './models/labels.js';
import { countClasses, occludeDense } from './occlusion/dense.js';

export type EngineOptions = {
  /** Inference threads; about one a core. */
  readonly lanes: number;
  /** Budget for the batches of all lanes together, bytes. */
  readonly batchBytes?: number;
};

export type OccludeOptions = {
  /** Grid rows to run; all when left out. */
  readonly rows?: RowRange;
  readonly signal?: AbortSignal;
  readonly onProgress?: (positionsDone: number) => void;
};

export type OcclusionRun = RowRange & {
  readonly grid: Grid;
  /** float32 [rowEnd - rowStart, columns], row-major. */
  readonly scores: Float32Array;
  readonly clean: CleanRun;
  readonly milliseconds: number;
};

export type OpenModel = {
  readonly bundle: ModelBundle;
  readonly digest: string;
  readonly labels: readonly string[];
  readonly provenance: Provenance;
  /**
   * Score the watched class with the patch at each position of some grid rows.
   *
   * Scores do not depend on which rows are asked for together, nor on the number of lanes.
   *
   * @throws {AppError} `invalid_input` if the settings do not fit the input or the model;
   *   `cancelled` within one batch of the signal; `unavailable` if an inference thread dies.
   */
  occlude(
    input: ModelInput,
    settings: OcclusionSettings,
    options?: OccludeOptions,
  ): Promise<OcclusionRun>;
};

export type Engine = {
  /**
   * Load a model from its bundle's folder; every file is held to its digest. The same digest is
   * loaded once.
   */
  open(bundleFolder: string): Promise<OpenModel>;
  close(): Promise<void>;
};

const defaultBatchBytes = 512 * 1024 * 1024;

/** The grid of a run over an input of a given extent. @throws {AppError} `invalid_input` */
export function planOcclusion(input: Size, settings: OcclusionSettings): Grid {
  const { height, width } = input;
  return planGrid({ height, width }, settings.patch, settings.stride, settings.edge);
}

/** Start the lanes; models are loaded as they are opened. */
export function openEngine({ lanes, batchBytes = defaultBatchBytes }: EngineOptions): Engine {
  const pool = openLanePool(lanes);
  const open = new Map<string, Promise<OpenModel>>();

  const load = async (folder: string, bundle: ModelBundle, digest: string): Promise<OpenModel> => {
    await verifyBundle(folder, bundle);
    const runtime = await pool.open(digest, folder, bundle);
    const labels = await readLabels(folder, bundle, await countClasses(pool, digest, bundle));
    const model = { pool, digest, bundle, labels, batchBytes };
    return {
      bundle,
      digest,
      labels,
      provenance: {
        backend: runtime.name,
        backendVersion: runtime.version,
        device: runtime.device,
        umbraVersion,
      },
      occlude: (input, settings, options) => occludeDense(model, input, settings, options),
    };
  };

  return {
    async open(folder) {
      const { bundle, digest } = await readBundle(folder);
      const known = open.get(digest) ?? load(folder, bundle, digest);
      open.set(digest, known);
      try {
        return await known;
      } catch (error) {
        // A failed load is tried again next time: the files may have been mended.
        open.delete(digest);
        throw error;
      }
    },
    async close() {
      await pool.close();
      for (const model of open.values()) await model.catch((error: AppError) => error);
    },
  };
}
