import {
  type Box,
  type Grid,
  integrity,
  invalidInput,
  type ModelBundle,
  type OcclusionSettings,
  patchBox,
  planGrid,
  type RowRange,
} from '@umbra/shared';
import type { OccludeOptions, OcclusionRun } from '../engine.js';
import type { ModelInput } from '../image/preprocess.js';
import type { LanePool } from '../lanes/pool.js';
import { throwIfAborted, untilAborted } from './abort.js';
import { fillValues } from './fill.js';
import { assertScore, describeClean, scoreOf } from './scores.js';

export type DenseModel = {
  readonly pool: LanePool;
  readonly digest: string;
  readonly bundle: ModelBundle;
  readonly labels: readonly string[];
  readonly batchBytes: number;
};

const nowhere: Box = { top: 0, left: 0, bottom: 0, right: 0 };
/** Larger batches are no faster on a CPU, and a short batch hears a cancellation soon. */
const largestBatch = 8;
/**
 * Runtimes multiply a single row by another routine than several, with other rounding. No batch
 * has fewer images, so that scores never depend on what they were batched with.
 */
const smallestBatch = 2;
/** Activations of a convolutional network, as a multiple of its input: generous for VGG16. */
const activationFactor = 50;

/** Dense occlusion: one whole forward pass a position, in batches spread over the lanes. */
export async function occludeDense(
  model: DenseModel,
  input: ModelInput,
  settings: OcclusionSettings,
  options: OccludeOptions = {},
): Promise<OcclusionRun> {
  const startedAt = performance.now();
  const { bundle, labels, pool } = model;
  assertScore(settings.score, bundle);
  const size = { height: input.height, width: input.width };
  const grid = planGrid(size, settings.patch, settings.stride, settings.edge);
  const rows = checkRows(options.rows ?? { rowStart: 0, rowEnd: grid.rows }, grid);
  const image = share(input.tensor);
  const values = fillValues(settings.fill, bundle.input);
  const run = (boxes: readonly Box[]) => {
    const batch = { digest: model.digest, image, size, boxes: padBatch(boxes), values };
    return untilAborted(pool.run(batch), options.signal);
  };

  throwIfAborted(options.signal);
  const clean = describeClean(
    firstRow(await run([nowhere]), labels.length, bundle),
    labels,
    settings,
    bundle,
  );
  const boxes = boxesOf(grid, rows);
  const scores = new Float32Array(boxes.length);
  const perBatch = batchSize(model.batchBytes / pool.lanes, input.tensor.byteLength);
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < boxes.length) {
      throwIfAborted(options.signal);
      const start = next;
      next = Math.min(next + perBatch, boxes.length);
      const batch = boxes.slice(start, next);
      const output = await run(batch);
      for (const index of batch.keys()) {
        const row = output.subarray(index * labels.length, (index + 1) * labels.length);
        scores[start + index] = scoreOf(row, clean.target.index, settings.score, bundle.output);
      }
      done += batch.length;
      options.onProgress?.(done);
    }
  };
  try {
    await Promise.all(Array.from({ length: pool.lanes }, work));
  } finally {
    // Where one lane failed, the others take no more of a run that is already lost.
    next = boxes.length;
  }
  return { grid, ...rows, scores, clean, milliseconds: performance.now() - startedAt };
}

/** How many classes a model gives, by one forward pass of a blank image. */
export async function countClasses(
  pool: LanePool,
  digest: string,
  bundle: ModelBundle,
): Promise<number> {
  const { height, width } = bundle.input;
  const image = new SharedArrayBuffer(3 * height * width * 4);
  const boxes = padBatch([nowhere]);
  const rows = await pool.run({ digest, image, size: { height, width }, boxes, values: [0, 0, 0] });
  if (rows.some(Number.isNaN)) {
    throw integrity(`Model '${bundle.name}' gives NaN on a blank image: its weights are broken`);
  }
  return rows.length / boxes.length;
}

/** Images a batch, from the share of the budget that one lane has. */
export function batchSize(laneBytes: number, imageBytes: number): number {
  const fitting = Math.floor(laneBytes / (imageBytes * activationFactor));
  return Math.max(smallestBatch, Math.min(largestBatch, fitting));
}

function padBatch(boxes: readonly Box[]): readonly Box[] {
  const missing = Math.max(0, smallestBatch - boxes.length);
  return missing === 0 ? boxes : [...boxes, ...Array<Box>(missing).fill(nowhere)];
}

function boxesOf(grid: Grid, { rowStart, rowEnd }: RowRange): Box[] {
  return Array.from({ length: (rowEnd - rowStart) * grid.columns }, (_, index) =>
    patchBox(grid, rowStart + Math.floor(index / grid.columns), index % grid.columns),
  );
}

function checkRows(rows: RowRange, grid: Grid): RowRange {
  const { rowStart, rowEnd } = rows;
  if (rowStart >= 0 && rowStart < rowEnd && rowEnd <= grid.rows) return { rowStart, rowEnd };
  throw invalidInput(`Expected rows within [0, ${grid.rows}), got [${rowStart}, ${rowEnd})`);
}

function firstRow(rows: Float32Array, classes: number, bundle: ModelBundle): Float32Array {
  const row = rows.subarray(0, classes);
  if (row.some(Number.isNaN)) throw integrity(`Model '${bundle.name}' gives NaN for this image`);
  return row;
}

function share(tensor: Float32Array): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(tensor.byteLength);
  new Float32Array(shared).set(tensor);
  return shared;
}
