import { join } from 'node:path';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { Box, Size } from '@umbra/shared/occlusion/grid';
import { type ConvertedModel, openConvertedModel } from '../convert/open-converted.js';
import { graphFromOnnx, type OnnxGraph } from '../graph/from-onnx.js';
import { isMap } from '../graph/graph.js';
import type { OnnxModel } from '../graph/onnx-model.js';
import type { Range } from '../graph/window.js';
import { interleave } from '../image/layout.js';
import type { ThreadPool } from '../inference/thread-pool.js';
import { readOnnxModel } from '../models/read-onnx-model.js';
import { throwIfAborted, untilAborted } from '../occlusion/abort.js';
import { type BaselineCache, createBaselineCache, imageKey } from './baseline-cache.js';
import { planSegments, type SegmentPlan } from './plan/plan-segments.js';
import { compileProgram, type Program } from './plan/program.js';
import type { Position } from './run/execute.js';
import type { BaselineMaps } from './run/segments.js';

/** A plan with the network that it is for. */
export type NetworkPlan = SegmentPlan & {
  readonly graph: OnnxGraph;
  /** Where segments find their weights. */
  readonly folder: string;
};

export type IncrementalImage = {
  /** float32, in the bundle's layout. */
  readonly original: SharedArrayBuffer;
  readonly filled: SharedArrayBuffer;
  readonly size: Size;
};

export type IncrementalOptions = {
  readonly signal?: AbortSignal | undefined;
  readonly onRows: (start: number, rows: Float32Array) => void;
};

/** Runs a model's boxes by segments, reusing the unoccluded run. */
export type Incremental = {
  /** @returns null where the network's graph is not read; without segments where none can be cut out. */
  plan(input: Size, patch: Size): Promise<NetworkPlan | null>;
  /**
   * Rows of boxes; an empty box is the clean image.
   *
   * A row depends on its own box only: not on the order, the other boxes, or the number of threads.
   */
  evaluate(
    plan: NetworkPlan,
    image: IncrementalImage,
    boxes: readonly Box[],
    options: IncrementalOptions,
  ): Promise<void>;
  close(): Promise<void>;
};

type Loaded = {
  readonly onnx: OnnxModel;
  readonly form: ConvertedModel;
  readonly layout: ModelBundle['input']['layout'];
};

/** @returns null where the network has no form in ONNX. */
async function loadNetwork({ folder, bundle }: IncrementalModel): Promise<Loaded | null> {
  const form = await openConvertedModel(folder, bundle);
  if ('reason' in form) return null;
  const { model, input } = form.bundle;
  return { onnx: await readOnnxModel(join(form.folder, model), model), form, layout: input.layout };
}

export type IncrementalModel = {
  readonly pool: ThreadPool;
  readonly digest: string;
  readonly folder: string;
  readonly bundle: ModelBundle;
  /** Budget of all threads together, bytes. */
  readonly batchBytes: number;
};

/** Positions in one task: enough for full batches, few enough to see progress. */
const maxTask = 96;
/** Programs kept: images of a dataset mostly share one. */
const keptPrograms = 8;
/** Share of the budget that kept maps of unoccluded runs may take. */
const baselineShare = 0.5;

/** Nothing is read until the first plan is asked for. */
export function createIncremental(model: IncrementalModel): Incremental {
  const plans = new Map<string, Promise<NetworkPlan | null>>();
  const programs = new Map<string, Program>();
  const cache = createBaselineCache(model.batchBytes * baselineShare);
  let loaded: Promise<Loaded | null> | undefined;

  const load = (): Promise<Loaded | null> => {
    loaded ??= loadNetwork(model);
    return loaded;
  };
  const makePlan = async (input: Size, patch: Size): Promise<NetworkPlan | null> => {
    const network = await load();
    if (network === null) return null;
    const graph = graphFromOnnx(network.onnx, input, network.layout);
    if (!isMap(graph.shapes.get(graph.input))) return null;
    return { ...planSegments(network.onnx, graph, patch), graph, folder: network.form.folder };
  };
  const onnx = async (): Promise<OnnxModel> => {
    const network = await load();
    if (network === null) throw new Error('Expected a network that has a plan');
    return network.onnx;
  };
  const programFor = async (
    plan: NetworkPlan,
    rows: Range[],
    columns: Range[],
  ): Promise<Program> => {
    const key = JSON.stringify([
      plan.graph.shapes.get(plan.graph.input),
      plan.segments,
      rows,
      columns,
    ]);
    const program =
      programs.get(key) ?? compileProgram(await onnx(), plan.graph, plan.segments, rows, columns);
    programs.delete(key);
    programs.set(key, program);
    for (const old of [...programs.keys()].slice(0, -keptPrograms)) programs.delete(old);
    return program;
  };

  return {
    plan({ height, width }, patch) {
      const key = `${height}x${width} ${patch.height}x${patch.width}`;
      const plan = plans.get(key) ?? makePlan({ height, width }, patch);
      plans.set(key, plan);
      return plan;
    },
    async evaluate(plan, image, boxes, options) {
      const tables = tablesOf(boxes);
      const program = await programFor(plan, tables.rows, tables.columns);
      const run = { model, program, folder: plan.folder, image, cache, options };
      await evaluateBoxes(run, `${plan.segments.map(({ end }) => end)}`, boxes, tables.positions);
    },
    async close() {
      const network = await loaded?.catch(() => null);
      await network?.form.close();
    },
  };
}

type Run = {
  readonly model: IncrementalModel;
  readonly program: Program;
  readonly folder: string;
  readonly image: IncrementalImage;
  readonly cache: BaselineCache;
  readonly options: IncrementalOptions;
};

async function evaluateBoxes(
  { model, program, folder, image, cache, options }: Run,
  planKey: string,
  boxes: readonly Box[],
  positions: readonly (Position | null)[],
): Promise<void> {
  const { pool, digest, batchBytes } = model;
  const { signal, onRows } = options;
  throwIfAborted(signal);
  const stop = new SharedArrayBuffer(4);
  const halt = () => Atomics.store(new Int32Array(stop), 0, 1);
  signal?.addEventListener('abort', halt, { once: true });
  const task = { program, folder, stop, threadBytes: batchBytes / pool.inferenceThreads };
  const original = channelsLast(image.original, model.bundle.input.layout);
  const makeBaseline = () => pool.runBaseline(digest, { ...task, original });
  try {
    const run = await untilAborted(
      cache.get(`${planKey} ${imageKey(image.original)}`, makeBaseline),
      signal,
    );
    const wanted = outputsOfEmptyBoxes(positions, run, onRows);
    const filled = channelsLast(image.filled, model.bundle.input.layout);
    const tasks = splitTasks(wanted, pool.inferenceThreads, maxTaskFor(program, task.threadBytes));
    await Promise.all(
      tasks.map(async (indices) => {
        const rows = await untilAborted(
          pool.runBoxes(digest, {
            ...task,
            original,
            filled,
            maps: run.maps,
            boxes: indices.map((index) => boxes[index] as Box),
            positions: indices.map((index) => positions[index] as Position),
          }),
          signal,
        );
        deliver(indices, rows, onRows);
      }),
    );
  } catch (error) {
    // Where one thread failed, the others need not end a run that is already lost.
    halt();
    throw error;
  } finally {
    signal?.removeEventListener('abort', halt);
  }
}

/** Hand rows over, neighbours together. */
function deliver(
  indices: readonly number[],
  rows: Float32Array,
  onRows: IncrementalOptions['onRows'],
): void {
  const classes = rows.length / indices.length;
  let from = 0;
  for (let to = 1; to <= indices.length; to++) {
    if (to < indices.length && indices[to] === (indices[to - 1] ?? 0) + 1) continue;
    onRows(indices[from] ?? 0, rows.subarray(from * classes, to * classes));
    from = to;
  }
}

/** Give empty boxes the clean run's row. @returns Indices of the other boxes. */
function outputsOfEmptyBoxes(
  positions: readonly (Position | null)[],
  { row }: BaselineMaps,
  onRows: IncrementalOptions['onRows'],
): number[] {
  const wanted: number[] = [];
  for (const [index, position] of positions.entries()) {
    if (position === null) onRows(index, row);
    else wanted.push(index);
  }
  return wanted;
}

/** Equal runs of neighbours, a multiple of the threads where there are enough. */
function splitTasks(
  indices: readonly number[],
  inferenceThreads: number,
  largest: number,
): number[][] {
  const rounds = Math.ceil(indices.length / (largest * inferenceThreads));
  const size = Math.max(2, Math.ceil(indices.length / Math.max(1, rounds * inferenceThreads)));
  const tasks: number[][] = [];
  for (let start = 0; start < indices.length; start += size) {
    tasks.push(indices.slice(start, start + size));
  }
  return tasks;
}

/** Positions whose changed maps fit into half of a thread's memory. */
export function maxTaskFor(program: Program, threadBytes: number): number {
  let largest = 1;
  let before = 0;
  for (const { output, rows, columns, ports } of program.stages) {
    const area = (place: (at: 'rows' | 'columns') => number) => place('rows') * place('columns');
    const longest = { rows, columns };
    const bytes =
      output === null
        ? ports.reduce((sum, port) => sum + port.height * port.width * port.channels * 4, 0)
        : area((at) =>
            // The last is the whole map, which no box has.
            Math.max(...longest[at].slice(0, -1).map((one) => one.output.end - one.output.start)),
          ) *
          channelsAfter(program, output) *
          4;
    largest = Math.max(largest, bytes + before);
    before = bytes;
  }
  return Math.max(2, Math.min(maxTask, Math.floor(threadBytes / 2 / largest)));
}

const channelsAfter = ({ stages }: Program, tensor: string): number =>
  stages.flatMap(({ ports }) => ports).find((port) => port.tensor === tensor)?.channels ?? 0;

/** Distinct vertical and horizontal ranges of boxes, and each box's place in them; null if empty. */
function tablesOf(boxes: readonly Box[]): {
  readonly rows: Range[];
  readonly columns: Range[];
  readonly positions: readonly (Position | null)[];
} {
  const rows = new Map<string, Range & { index: number }>();
  const columns = new Map<string, Range & { index: number }>();
  const place = (table: typeof rows, start: number, end: number): number => {
    const key = `${start} ${end}`;
    const known = table.get(key) ?? { start, end, index: table.size };
    table.set(key, known);
    return known.index;
  };
  const positions = boxes.map(({ top, left, bottom, right }): Position | null => {
    if (bottom <= top || right <= left) return null;
    return { row: place(rows, top, bottom), column: place(columns, left, right) };
  });
  const ranges = (table: typeof rows): Range[] =>
    [...table.values()].map(({ start, end }) => ({ start, end }));
  return { rows: ranges(rows), columns: ranges(columns), positions };
}

/** The image in shared memory with channels last. */
function channelsLast(
  image: SharedArrayBuffer,
  layout: ModelBundle['input']['layout'],
): SharedArrayBuffer {
  if (layout === 'NHWC') return image;
  const shared = new SharedArrayBuffer(image.byteLength);
  interleave(new Float32Array(image), new Float32Array(shared));
  return shared;
}
