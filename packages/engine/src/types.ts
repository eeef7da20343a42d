import type { ItemLabel } from '@umbra/shared/contracts/dataset';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { Provider, TfjsChoice } from '@umbra/shared/contracts/provider';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { BaselineRun, Faithfulness, Provenance } from '@umbra/shared/contracts/shard';
import type { Box, Size } from '@umbra/shared/occlusion/grid';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import type { RowRange } from '@umbra/shared/occlusion/shards';
import type { ModelInput } from './image/preprocess.js';
import type { TaskDeadline } from './inference/watch-tasks.js';
import type { ResolvedRun } from './occlusion/resolve-run.js';

export type EngineOptions = {
  /** Models run side by side; about one a core, or one a GPU. */
  readonly inferenceThreads: number;
  /** Execution provider that networks run on; `cpu` if left out. */
  readonly provider?: Provider;
  /** Backend of TensorFlow.js models; the best that loads if left out. */
  readonly tfjs?: TfjsChoice;
  /** Threads of each session of a whole network; more where a large one leaves threads without. */
  readonly sessionThreads?: number;
  /** Budget for the batches of all threads together, bytes. */
  readonly batchBytes?: number;
  /** Budget for the weights of one model in all threads together, bytes: see `createModelThreads`. */
  readonly weightBytes?: number;
  /** Pixels of an input, at most; `defaultMaxInputPixels` if left out. */
  readonly maxInputPixels?: number;
  /** Positions of an image, at most; `defaultMaxPositions` if left out. */
  readonly maxPositions?: number;
  /** Whether the operator forbids inference that reuses parts of the unoccluded run. */
  readonly forbidIncremental?: boolean;
  /** How long a task of an inference thread may take, and who is told; no limit if left out. */
  readonly deadline?: TaskDeadline;
};

export type OccludeOptions = {
  /** Rows of the plan to run; all when left out. */
  readonly rows?: RowRange;
  /** The image's label in its dataset, for target `label`. */
  readonly label?: ItemLabel | undefined;
  /** The object's box, px of the photo, for the pointing game. */
  readonly box?: Box | undefined;
  readonly signal?: AbortSignal;
  readonly onProgress?: (positionsDone: number) => void;
};

/** Scores and predicted classes at positions of a plan. */
export type ScoreMaps = {
  /** One float32 [positions] a target. */
  readonly scores: readonly Float32Array[];
  /** int32 [positions]: the predicted class; -1 where none was run, -2 where no class is predicted. */
  readonly predictedClasses: Int32Array;
};

/** How positions are really run. */
export type InferenceStrategy = 'dense' | 'incremental';

/** Scores and predicted classes of rows of the plan. */
export type OcclusionRun = RowRange &
  ScoreMaps & {
    readonly plan: OcclusionPlan;
    readonly baseline: BaselineRun;
    /** One a target, where asked for. */
    readonly faithfulness: readonly Faithfulness[] | null;
    readonly milliseconds: number;
    readonly provenance: Provenance;
  };

/** A stretch of the network that runs on windows of its input. */
export type InferenceSegment = {
  /** Names of its first and last node. */
  readonly from: string;
  readonly to: string;
  readonly nodes: number;
  readonly method: 'direct' | 'winograd';
};

/** What keeps a network from being run on windows any further. */
export type IncrementalStop = {
  readonly reason:
    | 'head'
    | 'attention'
    | 'squeeze-and-excitation'
    | 'normalization'
    | 'whole maps'
    | 'unknown operation'
    /** Numbers of extents, or of a batch, are computed where windows have others. */
    | 'extents'
    /** Branches and loops may read tensors that they do not list. */
    | 'branches'
    /** The network takes other numbers than float32. */
    | 'number type'
    /** It rounds to coarser numbers, such as int8 or float16, which makes steps of last bits. */
    | 'rounding'
    /** A node gives other numbers than float32, such as truths. */
    | 'other numbers'
    | 'old opset';
  /** The first node that runs on whole maps in any case; null where the file as a whole is the reason. */
  readonly node: { readonly name: string; readonly op: string } | null;
  /** Share of the network's multiply-adds before that node, 0 to 1; null where it is not known. */
  readonly macsBefore: number | null;
};

/** How a network is run for the patches of some settings. */
export type InferencePlan = {
  readonly strategy: InferenceStrategy;
  /** The largest patch, for which segments are planned, px. */
  readonly patch: Size;
  /** Segments in order; empty where the network is run whole. */
  readonly segments: readonly InferenceSegment[];
  /** Nodes after the last segment, which run on whole maps. */
  readonly wholeNodes: number | null;
  /**
   * Multiply-adds of one position: of the whole network, as chosen, and of the outputs alone that a
   * patch changes. Those of convolutions, products of matrices, attention and recurrences; null where
   * those of some node are not known.
   */
  readonly macs: {
    readonly dense: number;
    readonly chosen: number;
    readonly changed: number;
  } | null;
  /** null where nothing stops it, or the network's graph is not read. */
  readonly stop: IncrementalStop | null;
  /** How many times faster than dense, by the cost model; null where `macs` is. */
  readonly gain: number | null;
};

/** What explaining one image takes on this machine. */
export type RunEstimate = {
  /** Patch positions of all grids. */
  readonly positions: number;
  /** Forward passes, the unoccluded image's included; a refined run's upper limit. */
  readonly passes: number;
  /** Multiply-adds of all passes; null where the network's arithmetic is not known. */
  readonly macs: number | null;
  /** Seconds by a short run on this machine, model loaded, nothing else running. */
  readonly seconds: number;
  /** Resident memory of this process after that run, bytes: weights, batches, runtime. */
  readonly memoryBytes: number;
};

/** Whole inputs, in order; each is asked for when a thread is about to be free for it. */
export type InputStream = Iterable<ModelInput> | AsyncIterable<ModelInput>;

/** What a model says of one whole input. */
export type Classification = {
  /** The model's numbers, float32 [head.width]. */
  readonly output: Float32Array;
  /** Index of the predicted class; -2 where no class is. */
  readonly predicted: number;
  /** Probability of a class, in [0, 1]. */
  probability(index: number): number;
};

/** What a layer gives for whole inputs. */
export type Features = {
  /** Name of the layer, and count of its channels. */
  readonly layer: string;
  readonly channels: number;
  /**
   * Run inputs of the bundle's own extent up to the layer, and average its output over the places of its
   * maps; that of a vector is taken as it is.
   *
   * @returns float32 [channels] for each, in order.
   * @throws {AppError} `invalid_input` if an input has another extent; `integrity` where the layer gives NaN or
   *   infinity; `cancelled` within one batch of the signal; `unavailable` if a thread dies.
   */
  run(
    inputs: InputStream,
    options?: { readonly signal?: AbortSignal | undefined },
  ): AsyncGenerator<Float32Array>;
  /** Remove the network's conversion, if it has one. */
  close(): Promise<void>;
};

export type OrderOptions = {
  /** float32 [height, width]: pixels go from its largest value down. */
  readonly attribution: Float32Array;
  /** Index of the class whose probability is watched. */
  readonly index: number;
  readonly fill: OcclusionSettings['fill'];
  /** Extent of the blocks of the random order, px: the patch's. */
  readonly patch: Size;
  /** Pixels are replaced in this many equal steps. */
  readonly steps: number;
  /** Seed of the random order. */
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
};

/** Areas under the probability of a class, in [0, 1], while pixels are replaced or put back. */
export type OrderAreas = {
  readonly deletion: number;
  readonly insertion: number;
  readonly randomDeletion: number;
  readonly randomInsertion: number;
};

export type OpenModel = {
  readonly bundle: ModelBundle;
  readonly digest: string;
  readonly labels: readonly string[];
  /**
   * Resolve a run's settings with what is known of the open model: its classes and its device.
   *
   * @param size Extent of the input, px.
   * @throws {AppError} As `resolveRun`.
   */
  resolve(settings: OcclusionSettings, size: Size): ResolvedRun;
  /**
   * Describe how the positions of a run are computed, without computing them.
   *
   * @throws {AppError} `invalid_input` if the settings ask for a strategy that cannot be had.
   */
  plan(run: ResolvedRun): Promise<InferencePlan>;
  /**
   * Score the watched classes with the patch at each position of some rows of the plan.
   *
   * Scores do not depend on which rows are asked for together, nor on the number of threads.
   *
   * @param run Resolved for the input's extent; what only the open model knows is checked here.
   * @throws {AppError} `invalid_input` if the run does not fit the input or the model;
   *   `cancelled` within one batch of the signal; `unavailable` if an inference thread dies.
   */
  occlude(input: ModelInput, run: ResolvedRun, options?: OccludeOptions): Promise<OcclusionRun>;
  /**
   * Run whole inputs through the model, batched over the threads. Inputs are pulled as threads come free, and
   * may have several extents.
   *
   * An output depends on its own input only, and is that of the baseline run of a dense `occlude`.
   *
   * @returns One for each input, in order.
   * @throws {AppError} `invalid_input` if a tensor does not fit its extent; `integrity` if an output holds
   *   NaN; `cancelled` within one batch of the signal; `unavailable` if an inference thread dies.
   */
  classify(
    inputs: InputStream,
    options?: { readonly signal?: AbortSignal | undefined },
  ): AsyncGenerator<Classification>;
  /**
   * Open what the network sees in whole inputs: the activations of a layer.
   *
   * @param layer Its name, or another form that `findLayer` knows; the input of the last product if left
   *   out: see `featureLayer`.
   * @throws {AppError} `invalid_input` if the network's graph cannot be opened or run up to the layer, or has no
   *   such layer by default; `not_found` if it has none of that name.
   */
  openFeatures(layer?: string): Promise<Features>;
  /**
   * Hold the order of pixels that a map gives against a random one: deletion and insertion of one class's
   * probability by both, as `Faithfulness` has them. The random order is that of blocks of the patch's
   * extent: see `randomBlocks`. Runs 4 * (steps + 1) forward passes.
   *
   * @throws {AppError} `invalid_input` if the map does not fit the input or holds NaN; else as `classify`.
   */
  checkOrder(input: ModelInput, options: OrderOptions): Promise<OrderAreas>;
};

export type Engine = {
  /**
   * Load a model from its bundle's folder; every file is held to its digest. The same digest is
   * loaded once.
   *
   * @param next The run that follows, whose segments and threads are made while the model loads.
   */
  open(bundleFolder: string, next?: ResolvedRun): Promise<OpenModel>;
  close(): Promise<void>;
};
