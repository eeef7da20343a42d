import { at } from '@umbra/shared/assert';
import { channelCount, type ModelBundle } from '@umbra/shared/contracts/model';
import type { Box } from '@umbra/shared/occlusion/grid';
import { throwIfAborted, untilAborted } from '../abort.js';
import { interleave } from '../image/layout.js';
import type { PixelFormat } from '../image/pixel-format.js';
import { imageKey, type SharedImage } from '../image/shared-image.js';
import type { BaselineCache } from './baseline-cache.js';
import type { BaselineMaps, Position, Program, SegmentRunner } from './types.js';

export type IncrementalOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Receives float32 [n, classes], of boxes `start` on. */
  readonly onOutputs: (start: number, outputs: Float32Array) => void;
};

/** A program on one image. */
export type ImageRun = {
  readonly model: {
    readonly threads: SegmentRunner;
    readonly bundle: ModelBundle;
    /** Budget of all threads together, bytes. */
    readonly batchBytes: number;
  };
  readonly program: Program;
  /** Folder of the weights. */
  readonly folder: string;
  /** Name of the segments, whose maps an unoccluded run keeps. */
  readonly planKey: string;
  readonly image: SharedImage;
  readonly baselines: BaselineCache;
  readonly options: IncrementalOptions;
};

/** Positions in one task: enough for full batches, few enough to see progress. */
const maxTask = 96;

/** Run a program for boxes, on all threads. @param positions One a box; null where it is empty. */
export async function evaluateBoxes(
  { model, program, folder, planKey, image, baselines, options }: ImageRun,
  boxes: readonly Box[],
  positions: readonly (Position | null)[],
): Promise<void> {
  const { threads, batchBytes } = model;
  const { signal, onOutputs } = options;
  throwIfAborted(signal);
  const stop = new SharedArrayBuffer(4);
  const halt = () => Atomics.store(new Int32Array(stop), 0, 1);
  signal?.addEventListener('abort', halt, { once: true });
  const { inferenceThreads } = threads;
  const task = { program, folder, stop, threadBytes: batchBytes / inferenceThreads };
  const original = channelsLast(image.original, model.bundle.input);
  const makeBaseline = () => threads.runBaseline({ ...task, original });
  try {
    const baseline = await untilAborted(
      baselines.get(`${planKey} ${imageKey(image)}`, makeBaseline),
      signal,
    );
    const wanted = passEmptyBoxes(positions, baseline, onOutputs);
    const filled = channelsLast(image.filled, model.bundle.input);
    const maxSize = maxTaskFor(program, task.threadBytes);
    await Promise.all(
      splitTasks(wanted, inferenceThreads, maxSize).map(async (placed) => {
        const outputs = await untilAborted(
          threads.runBoxes({
            ...task,
            original,
            filled,
            maps: baseline.maps,
            boxes: placed.map(({ index }) => at(boxes, index)),
            positions: placed.map(({ position }) => position),
          }),
          signal,
        );
        deliver(placed, outputs, onOutputs);
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

/** A box that is not empty: its index among all, and its position in the program's tables. */
type PlacedBox = { readonly index: number; readonly position: Position };

/** Hand outputs over, neighbours together. */
function deliver(
  placed: readonly PlacedBox[],
  outputs: Float32Array,
  onOutputs: IncrementalOptions['onOutputs'],
): void {
  const classes = outputs.length / placed.length;
  let from = 0;
  for (let to = 1; to <= placed.length; to++) {
    if (to < placed.length && at(placed, to).index === at(placed, to - 1).index + 1) continue;
    onOutputs(at(placed, from).index, outputs.subarray(from * classes, to * classes));
    from = to;
  }
}

/** Give empty boxes the output of the unoccluded run. @returns The other boxes. */
function passEmptyBoxes(
  positions: readonly (Position | null)[],
  { output }: BaselineMaps,
  onOutputs: IncrementalOptions['onOutputs'],
): PlacedBox[] {
  const placed: PlacedBox[] = [];
  for (const [index, position] of positions.entries()) {
    if (position === null) onOutputs(index, output);
    else placed.push({ index, position });
  }
  return placed;
}

/** Split boxes into equal runs of neighbours, a multiple of the threads where there are enough. */
function splitTasks(
  placed: readonly PlacedBox[],
  inferenceThreads: number,
  maxSize: number,
): (readonly PlacedBox[])[] {
  const rounds = Math.ceil(placed.length / (maxSize * inferenceThreads));
  const size = Math.max(2, Math.ceil(placed.length / Math.max(1, rounds * inferenceThreads)));
  const tasks: (readonly PlacedBox[])[] = [];
  for (let start = 0; start < placed.length; start += size) {
    tasks.push(placed.slice(start, start + size));
  }
  return tasks;
}

/** Positions whose changed maps fit into half of a thread's memory. */
function maxTaskFor(program: Program, threadBytes: number): number {
  let largest = 1;
  let before = 0;
  for (const { output, rows, columns, ports } of program.stages) {
    const bytes =
      output === null
        ? ports.reduce((sum, port) => sum + port.height * port.width * port.channels * 4, 0)
        : maxBoxLength(rows) * maxBoxLength(columns) * channelsAfter(program, output) * 4;
    largest = Math.max(largest, bytes + before);
    before = bytes;
  }
  return Math.max(2, Math.min(maxTask, Math.floor(threadBytes / 2 / largest)));
}

/** The last placement is the whole map, which no box has. */
const maxBoxLength = (placements: Program['stages'][number]['rows']): number =>
  Math.max(...placements.slice(0, -1).map(({ output }) => output.end - output.start));

function channelsAfter({ stages }: Program, tensor: string): number {
  const port = stages.flatMap(({ ports }) => ports).find((one) => one.tensor === tensor);
  if (port === undefined) throw new Error(`Expected a stage to read '${tensor}'`);
  return port.channels;
}

/** The image in shared memory with channels last. */
function channelsLast(image: SharedArrayBuffer, format: PixelFormat): SharedArrayBuffer {
  if (format.layout === 'NHWC') return image;
  const shared = new SharedArrayBuffer(image.byteLength);
  interleave(new Float32Array(image), new Float32Array(shared), channelCount(format));
  return shared;
}
