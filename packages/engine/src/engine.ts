import type { ItemLabel } from '@umbra/shared/contracts/dataset';
import type { DescribedBundle, ModelBundle } from '@umbra/shared/contracts/model';
import type { Provider } from '@umbra/shared/contracts/provider';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { BaselineRun, Faithfulness, Provenance } from '@umbra/shared/contracts/shard';
import type { AppError } from '@umbra/shared/errors';
import type { Box, Size } from '@umbra/shared/occlusion/grid';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import type { RowRange } from '@umbra/shared/occlusion/shards';
import { umbraVersion } from '@umbra/shared/version';
import type { ModelInput } from './image/preprocess.js';
import { createIncremental, type Incremental } from './incremental/incremental.js';
import { openThreadPool, type ThreadPool } from './inference/thread-pool.js';
import { readBundle, verifyBundle } from './models/bundle.js';
import { readLabels } from './models/labels.js';
import { createBaselineOutputs } from './occlusion/baseline-outputs.js';
import { countClasses } from './occlusion/evaluate.js';
import { describePlan, type InferencePlan } from './occlusion/inference-plan.js';
import { type Maps, occlude } from './occlusion/occlude.js';
import { resolveSettings } from './occlusion/resolve-run.js';
import type { StrategyLimits } from './occlusion/strategy.js';

export type EngineOptions = {
  /** Models run side by side; about one a core, or one a GPU. */
  readonly inferenceThreads: number;
  /** What networks run on. */
  readonly provider?: Provider;
  /** Of each session of a whole network; more where a large one leaves threads without. */
  readonly sessionThreads?: number;
  /** Budget for the batches of all threads together, bytes. */
  readonly batchBytes?: number;
  /** Budget for the weights of one model in all threads together, bytes: see `ThreadPool.open`. */
  readonly weightBytes?: number;
  /** Whether the operator forbids inference that reuses parts of the unoccluded run. */
  readonly forbidIncremental?: boolean;
};

export type OccludeOptions = {
  /** Rows of the plan to run; all when left out. */
  readonly rows?: RowRange;
  /** What the image shows, for target `label`. */
  readonly label?: ItemLabel | undefined;
  /** Where it shows it, px of the photo, for the pointing game. */
  readonly box?: Box | undefined;
  readonly signal?: AbortSignal;
  readonly onProgress?: (positionsDone: number) => void;
};

/** Scores and winning classes of rows of the plan. */
export type OcclusionRun = RowRange &
  Maps & {
    readonly plan: OcclusionPlan;
    readonly baseline: BaselineRun;
    /** One a target, where asked for. */
    readonly faithfulness: readonly Faithfulness[] | null;
    readonly milliseconds: number;
    readonly provenance: Provenance;
  };

export type OpenModel = {
  readonly bundle: ModelBundle;
  readonly digest: string;
  readonly labels: readonly string[];
  /**
   * Say how the positions of a run would be computed.
   *
   * @param size Extent of the input, px.
   * @throws {AppError} `invalid_input` if the settings ask for a strategy that cannot be had.
   */
  plan(size: Size, settings: OcclusionSettings): Promise<InferencePlan>;
  /**
   * Score the watched classes with the patch at each position of some rows of the plan.
   *
   * Scores do not depend on which rows are asked for together, nor on the number of threads.
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

/** What is known of a run before its model is open. */
export type NextRun = {
  /** Extent of the model's input, px. */
  readonly size: Size;
  readonly settings: OcclusionSettings;
};

export type Engine = {
  /**
   * Load a model from its bundle's folder; every file is held to its digest. The same digest is
   * loaded once.
   *
   * @param next The run that follows, whose plan and threads are made while the model loads.
   */
  open(bundleFolder: string, next?: NextRun): Promise<OpenModel>;
  close(): Promise<void>;
};

const defaultBatchBytes = 512 * 1024 * 1024;
const defaultWeightBytes = 1024 * 1024 * 1024;

/** Start the threads; models are loaded as they are opened. */
export function openEngine(options: EngineOptions): Engine {
  const {
    inferenceThreads,
    batchBytes = defaultBatchBytes,
    weightBytes = defaultWeightBytes,
  } = options;
  const { provider = 'cpu', sessionThreads = 1, forbidIncremental = false } = options;
  const limits = { provider, forbidIncremental };
  const pool = openThreadPool(inferenceThreads, { weightBytes, provider, sessionThreads });
  const open = new Map<string, Promise<OpenModel>>();
  const incrementals: Incremental[] = [];

  const load = async (
    folder: string,
    { bundle, digest }: DescribedBundle,
    next: NextRun | undefined,
  ): Promise<OpenModel> => {
    if (next !== undefined) pool.start();
    await verifyBundle(folder, bundle);
    const loading = loadWhole(pool, folder, { bundle, digest });
    const incremental = createIncremental({ pool, digest, folder, bundle, batchBytes });
    if (next !== undefined) void planAhead(incremental, bundle, { ...next, limits });
    const { runtime, classes, labels } = await loading.catch(async (error: unknown) => {
      await incremental.close();
      throw error;
    });
    incrementals.push(incremental);
    const model = {
      pool,
      digest,
      bundle,
      classes,
      labels,
      batchBytes,
      // On a GPU of TensorFlow.js, which is CUDA's, as on those of onnxruntime.
      limits: runtime.device === 'gpu' ? { ...limits, provider: 'cuda' as const } : limits,
      incremental,
      baselineOutputs: createBaselineOutputs(),
      runtime: {
        backend: runtime.name,
        backendVersion: runtime.version,
        device: runtime.device,
        umbraVersion,
      },
    };
    return {
      bundle,
      digest,
      labels,
      plan: (size, settings) => describePlan(model, size, settings),
      occlude: (input, settings, options) => occlude(model, input, settings, options),
    };
  };

  return {
    async open(folder, next) {
      const described = await readBundle(folder);
      const { digest } = described;
      const known = open.get(digest) ?? load(folder, described, next);
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
      for (const incremental of incrementals) await incremental.close();
    },
  };
}

/** Load the whole network into one thread, and what is known of its output. */
async function loadWhole(pool: ThreadPool, folder: string, { bundle, digest }: DescribedBundle) {
  const runtime = await pool.open(digest, folder, bundle);
  const classes = await countClasses(pool, digest, bundle);
  return { runtime, classes, labels: await readLabels(folder, bundle, classes) };
}

/** Make the plan that a run will ask for. What does not fit is reported by the run itself. */
async function planAhead(
  incremental: Incremental,
  bundle: ModelBundle,
  { size, settings, limits }: NextRun & { readonly limits: StrategyLimits },
): Promise<void> {
  try {
    const { strategy, patch } = resolveSettings(settings, bundle, limits);
    if (strategy !== 'dense') await incremental.plan(size, patch);
  } catch {
    // The run asks for the same plan, and fails with the same error.
  }
}
