import { createLoadingCache } from '@umbra/shared/cache';
import type { DescribedBundle, ModelBundle } from '@umbra/shared/contracts/model';
import { umbraVersion } from '@umbra/shared/version';
import { assertInputSize, defaultMaxInputPixels } from './image/input-limits.js';
import { createIncremental, type Incremental } from './incremental/incremental.js';
import { createModelThreads, type ModelThreads } from './inference/model-threads.js';
import { openThreadPool } from './inference/thread-pool.js';
import { readBundle, verifyBundle } from './models/bundle.js';
import { readLabels } from './models/labels.js';
import { type FeatureModel, openFeatures } from './network/features.js';
import { createBaselineOutputs } from './occlusion/baseline-outputs.js';
import { checkOrder } from './occlusion/check-order.js';
import { classify } from './occlusion/classify.js';
import { describeInference } from './occlusion/describe-inference.js';
import { runBlank } from './occlusion/evaluate.js';
import { type OccludedModel, occlude } from './occlusion/occlude.js';
import { assertOutputKind, createOutputHead } from './occlusion/output-head.js';
import {
  defaultMaxPositions,
  narrowRun,
  type ResolvedRun,
  type RunLimits,
  resolveRun,
} from './occlusion/resolve-run.js';
import type { Engine, EngineOptions, OcclusionRun, OpenModel } from './types.js';

const defaultBatchBytes = 512 * 1024 * 1024;
const defaultWeightBytes = 1024 * 1024 * 1024;
/** Open models that are known by their digest; more than this are hardly in use at once. */
const maxOpenModels = 1024;

/** Start the threads; models are loaded as they are opened. */
export function openEngine(options: EngineOptions): Engine {
  const { provider = 'cpu', tfjs = 'auto' } = options;
  const { sessionThreads = 1, forbidIncremental = false } = options;
  const { batchBytes = defaultBatchBytes, weightBytes = defaultWeightBytes } = options;
  const { maxInputPixels = defaultMaxInputPixels, maxPositions = defaultMaxPositions } = options;
  const inputLimits = { maxInputPixels, maxPositions };
  const pool = openThreadPool(options.inferenceThreads);
  const models = createLoadingCache<OpenModel>({ maxEntries: maxOpenModels });
  const opening = new Set<Promise<unknown>>();
  const incrementals: Incremental[] = [];

  const load = async (
    folder: string,
    { bundle, digest }: DescribedBundle,
    next: ResolvedRun | undefined,
  ): Promise<OpenModel> => {
    if (next !== undefined) pool.start();
    assertInputSize(bundle.input, maxInputPixels);
    await verifyBundle(folder, bundle);
    const stored = { digest, folder, bundle };
    const threads = createModelThreads(pool, stored, {
      weightBytes,
      provider,
      tfjs,
      sessionThreads,
      deadline: options.deadline,
    });
    const incremental = createIncremental({ threads, folder, bundle, batchBytes });
    const loading = loadWhole(threads, folder, bundle);
    if (next !== undefined) void planAhead(incremental, next);
    const { runtime, head, labels } = await loading.catch(async (error: unknown) => {
      await incremental.close();
      throw error;
    });
    incrementals.push(incremental);
    const baselineOutputs = createBaselineOutputs();
    const occluded = { threads, bundle, head, labels, batchBytes, incremental, baselineOutputs };
    const { name: backend, version: backendVersion, device } = runtime;
    return createOpenModel({
      digest,
      occluded,
      featured: { folder, bundle, threads, batchBytes },
      // On a GPU of TensorFlow.js, which is CUDA's, as on those of onnxruntime.
      limits: {
        ...inputLimits,
        labels,
        provider: device === 'gpu' ? 'cuda' : provider,
        forbidIncremental,
      },
      runtime: { backend, backendVersion, device, umbraVersion },
    });
  };

  return {
    async open(folder, next) {
      const described = await readBundle(folder);
      const model = models.load(described.digest, () => load(folder, described, next));
      opening.add(model);
      try {
        return await model;
      } finally {
        opening.delete(model);
      }
    },
    async close() {
      await pool.close();
      await Promise.allSettled(opening);
      for (const incremental of incrementals) await incremental.close();
    },
  };
}

/** Load the whole network into one thread, and read what its output says. */
async function loadWhole(threads: ModelThreads, folder: string, bundle: ModelBundle) {
  const runtime = await threads.load();
  const output = await runBlank(threads, bundle);
  assertOutputKind(bundle, [output]);
  const head = createOutputHead(bundle, output.length);
  return { runtime, head, labels: await readLabels(folder, bundle, head.classes) };
}

/** Make the segment plan of a run while its model loads. The run itself reports what does not fit. */
async function planAhead(
  incremental: Incremental,
  { strategy, patch, plan }: ResolvedRun,
): Promise<void> {
  try {
    if (strategy !== 'dense') await incremental.plan(plan.image, patch);
  } catch {
    // The run needs the same plan, and fails with the same error.
  }
}

type LoadedModel = {
  readonly digest: string;
  readonly occluded: OccludedModel;
  readonly featured: FeatureModel;
  readonly limits: RunLimits;
  readonly runtime: Omit<OcclusionRun['provenance'], 'strategy'>;
};

function createOpenModel(loaded: LoadedModel): OpenModel {
  const { digest, occluded, featured, limits, runtime } = loaded;
  const { bundle, labels } = occluded;
  return {
    bundle,
    digest,
    labels,
    resolve: (settings, size) => resolveRun(settings, bundle, size, limits),
    plan: async (run) => describeInference(occluded, narrowRun(run, bundle, limits)),
    async occlude(input, run, options = {}) {
      const startedAt = performance.now();
      const narrowed = narrowRun(run, bundle, limits);
      const { strategy, ...scored } = await occlude(occluded, input, narrowed, options);
      const milliseconds = performance.now() - startedAt;
      return { ...scored, milliseconds, provenance: { ...runtime, strategy } };
    },
    classify: (inputs, { signal } = {}) => classify(occluded, inputs, signal),
    openFeatures: (layer) => openFeatures(featured, layer),
    checkOrder: (input, options) => checkOrder(occluded, input, options),
  };
}
