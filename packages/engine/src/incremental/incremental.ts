import { createLoadingCache } from '@umbra/shared/cache';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { Box, Size } from '@umbra/shared/occlusion/grid';
import { type ConvertedModel, openConvertedModel } from '../convert/open-converted.js';
import type { OnnxGraph } from '../graph/from-onnx.js';
import { inferGraph } from '../graph/infer-graph.js';
import type { OnnxModel } from '../graph/onnx-model.js';
import type { PixelFormat } from '../image/pixel-format.js';
import type { SharedImage } from '../image/shared-image.js';
import { readScoresModel } from '../models/read-onnx-model.js';
import { createBaselineCache } from './baseline-cache.js';
import { evaluateBoxes, type IncrementalOptions } from './evaluate-boxes.js';
import { type BoxTables, tablesOf } from './plan/box-tables.js';
import { planSegments, type SegmentPlan } from './plan/plan-segments.js';
import { compileProgram } from './plan/program.js';
import type { Program, SegmentRunner } from './types.js';

/** A segment plan with the network that it is for. */
export type NetworkPlan = SegmentPlan & {
  readonly graph: OnnxGraph;
  /** Folder of the weights that segments read. */
  readonly folder: string;
};

/** Runs a model's boxes by segments, reusing the unoccluded run. */
export type Incremental = {
  /** @returns null where the network's graph is not read; without segments where none can be cut out. */
  plan(input: Size, patch: Size): Promise<NetworkPlan | null>;
  /**
   * Compute the outputs for boxes; an empty box is the unoccluded image.
   *
   * An output depends on its own box only: not on the order, the other boxes, or the number of
   * threads.
   */
  evaluate(
    plan: NetworkPlan,
    image: SharedImage,
    boxes: readonly Box[],
    options: IncrementalOptions,
  ): Promise<void>;
  close(): Promise<void>;
};

export type IncrementalModel = {
  readonly threads: SegmentRunner;
  readonly folder: string;
  readonly bundle: ModelBundle;
  /** Budget of all threads together, bytes. */
  readonly batchBytes: number;
};

type LoadedNetwork = {
  readonly onnx: OnnxModel;
  readonly converted: ConvertedModel;
  readonly format: PixelFormat;
};

/** Graphs kept, one an extent of the input. */
const maxGraphs = 8;
/** Segment plans kept, one a pair of input and patch extents. */
const maxPlans = 64;
/** Programs kept: images of a dataset mostly share one. */
const maxPrograms = 8;
/** Part of the budget that kept maps of unoccluded runs may take. */
const baselineShare = 0.5;

/** Nothing is read until the first plan is asked for. */
export function createIncremental(model: IncrementalModel): Incremental {
  const graphs = createLoadingCache<OnnxGraph>({ maxEntries: maxGraphs });
  const plans = createLoadingCache<NetworkPlan | null>({ maxEntries: maxPlans });
  const programs = createLoadingCache<Program>({ maxEntries: maxPrograms });
  const baselines = createBaselineCache(model.batchBytes * baselineShare);
  let loaded: Promise<LoadedNetwork | null> | undefined;

  const load = (): Promise<LoadedNetwork | null> => {
    loaded ??= loadNetwork(model);
    return loaded;
  };
  const makePlan = async (input: Size, patch: Size): Promise<NetworkPlan | null> => {
    const network = await load();
    if (network === null) return null;
    const { folder } = network.converted;
    const graph = await graphs.load(`${input.height}x${input.width}`, () =>
      inferGraph(network.onnx, input, network.format, (probe) =>
        model.threads.runShapeProbe({ probe, folder }),
      ),
    );
    return { ...planSegments(network.onnx, graph, patch), graph, folder };
  };
  const programFor = ({ graph, segments }: NetworkPlan, { y, x }: BoxTables): Promise<Program> => {
    const key = JSON.stringify([graph.shapes.get(graph.input), segments, y, x]);
    return programs.load(key, async () => {
      const network = await load();
      if (network === null) throw new Error('Expected a network that has a plan');
      const { batch } = model.bundle;
      return compileProgram({ model: network.onnx, graph, batch }, segments, { y, x });
    });
  };

  return {
    plan({ height, width }, patch) {
      const key = `${height}x${width} ${patch.height}x${patch.width}`;
      return plans.load(key, () => makePlan({ height, width }, patch));
    },
    async evaluate(plan, image, boxes, options) {
      const tables = tablesOf(boxes);
      const program = await programFor(plan, tables);
      const planKey = `${plan.segments.map(({ end }) => end)}`;
      const run = { model, program, folder: plan.folder, planKey, image, baselines, options };
      await evaluateBoxes(run, boxes, tables.positions);
    },
    async close() {
      const network = await loaded?.catch(() => null);
      await network?.converted.close();
    },
  };
}

/** @returns null where the network has no form in ONNX. */
async function loadNetwork({ folder, bundle }: IncrementalModel): Promise<LoadedNetwork | null> {
  const converted = await openConvertedModel(folder, bundle);
  if ('reason' in converted) return null;
  const onnx = await readScoresModel(converted.folder, converted.bundle);
  return { onnx, converted, format: converted.bundle.input };
}
