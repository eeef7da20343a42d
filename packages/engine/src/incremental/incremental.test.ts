import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sessionOptions } from '../backends/onnxruntime.js';
import { InferenceSession, Tensor } from '../backends/onnxruntime-library.js';
import { graphFromOnnx, type OnnxGraph } from '../graph/from-onnx.js';
import type { OnnxModel } from '../graph/onnx-model.js';
import { readOnnxModel } from '../models/read-onnx-model.js';
import { type Random, randomNetwork, seededRandom } from '../testing/random-network.js';
import { encodeOnnx } from '../testing/tiny-onnx.js';
import type { PlannedSegment } from './plan/plan-segments.js';
import { compileProgram } from './plan/program.js';
import { segmentOf } from './plan/segment.js';
import { winogradOf } from './plan/winograd-stage.js';
import { wiringOf } from './plan/wiring.js';
import { openSegments } from './run/segments.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-incremental-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const classes = 6;
const integer = (random: Random, low: number, high: number): number =>
  low + Math.floor(random() * (high - low + 1));

/** Segments of random lengths, each by a random method that can run it. */
function randomSegments(model: OnnxModel, graph: OnnxGraph, random: Random): PlannedSegment[] {
  const wiring = wiringOf(graph);
  const segments: PlannedSegment[] = [];
  let start = 0;
  while (start < graph.nodes.length && random() > 0.05) {
    const choices = Array.from({ length: 7 }, (_, at) => start + at + 1).flatMap((end) => {
      const segment = end > graph.nodes.length ? null : segmentOf(graph, start, end, wiring);
      return segment === null
        ? []
        : [{ end, winograd: winogradOf(model, graph, segment) !== null }];
    });
    const fast = choices.filter(({ winograd }) => winograd);
    const from = random() < 0.7 && fast.length > 0 ? fast : choices;
    const choice = from[Math.floor(random() * from.length)];
    if (choice === undefined) break;
    const { end, winograd } = choice;
    segments.push({ start, end, method: winograd && random() < 0.8 ? 'winograd' : 'direct' });
    start = end;
  }
  return segments;
}

function randomRanges(random: Random, extent: number): { start: number; end: number }[] {
  const longest = integer(random, 1, Math.ceil(extent / 2));
  return Array.from({ length: 4 }, (_, at) => {
    const start = at === 0 ? 0 : integer(random, 0, extent - 1);
    return { start, end: at === 1 ? extent : Math.min(extent, start + longest) };
  });
}

type Outcome = { readonly segments: number; readonly winograd: number; readonly worst: number };

/** Compare segments of a random network with the whole network, at random boxes. */
async function compare(seed: number): Promise<Outcome> {
  const random = seededRandom(seed);
  const size = { height: integer(random, 9, 30), width: integer(random, 9, 30) };
  const file = `${seed}.onnx`;
  const path = join(folder, file);
  await writeFile(path, encodeOnnx(randomNetwork(random, size, classes)));
  const model = await readOnnxModel(path, file);
  const graph = graphFromOnnx(model, size);
  const segments = randomSegments(model, graph, random);
  if (segments.length === 0) return { segments: 0, winograd: 0, worst: 0 };
  const rows = randomRanges(random, size.height);
  const columns = randomRanges(random, size.width);
  const program = compileProgram({ model, graph }, segments, { y: rows, x: columns });
  const length = size.height * size.width * 3;
  const original = Float32Array.from({ length }, () => random() * 2 - 1);
  const filled = Float32Array.from({ length }, () => random() * 2 - 1);
  const shared = (data: Float32Array): SharedArrayBuffer => {
    const buffer = new SharedArrayBuffer(data.byteLength);
    new Float32Array(buffer).set(data);
    return buffer;
  };
  const positions = rows.flatMap((_, row) => columns.map((__, column) => ({ row, column })));
  const boxes = rows.flatMap(({ start: top, end: bottom }) =>
    columns.map(({ start: left, end: right }) => ({ top, left, bottom, right })),
  );
  const thread = openSegments(folder, 1);
  const task = {
    program,
    folder,
    stop: new SharedArrayBuffer(4),
    threadBytes: 1 << 22,
    original: shared(original),
  };
  const { maps, output } = await thread.runBaseline(task);
  const inputs = await thread.runSegments({
    ...task,
    filled: shared(filled),
    maps,
    positions,
    boxes,
  });
  const found = await thread.runLast({ ...task, inputs });
  await thread.close();
  const images = [original, ...boxes.map((box) => occlude(original, filled, size.width, box))];
  const expected = await runWhole(path, images, size);
  const worst = difference([...output, ...found], expected);
  return {
    segments: segments.length,
    winograd: segments.filter(({ method }) => method === 'winograd').length,
    worst,
  };
}

function occlude(
  original: Float32Array,
  filled: Float32Array,
  width: number,
  box: { top: number; left: number; bottom: number; right: number },
): Float32Array {
  const image = original.slice();
  for (let y = box.top; y < box.bottom; y++) {
    const [from, to] = [(y * width + box.left) * 3, (y * width + box.right) * 3];
    image.set(filled.subarray(from, to), from);
  }
  return image;
}

/** @param images Channels last. */
async function runWhole(
  path: string,
  images: readonly Float32Array[],
  { height, width }: { height: number; width: number },
): Promise<Float32Array> {
  const session = await InferenceSession.create(
    path,
    sessionOptions({ provider: 'cpu', sessionThreads: 1 }),
  );
  const area = height * width;
  const batch = new Float32Array(images.length * area * 3);
  for (const [index, image] of images.entries()) {
    for (let at = 0; at < area * 3; at++) {
      batch[index * area * 3 + (at % 3) * area + Math.floor(at / 3)] = image[at] ?? 0;
    }
  }
  const shape = [images.length, 3, height, width];
  const { logits } = await session.run({ input: new Tensor('float32', batch, shape) });
  await session.release();
  return logits?.data as Float32Array;
}

/** Largest difference of a logit, relative to the largest spread of one over the images. */
function difference(found: readonly number[], expected: Float32Array): number {
  expect(found).toHaveLength(expected.length);
  const spreads = Array.from({ length: classes }, (_, index) => {
    const logits = expected.filter((__, at) => at % classes === index);
    return Math.max(...logits) - Math.min(...logits);
  });
  const worst = Math.max(
    ...found.map((value, at) => Math.abs(value - (expected[at] ?? Number.NaN))),
  );
  return worst / Math.max(...spreads);
}

test('200 random networks give what the whole network gives, at every box', async () => {
  let segments = 0;
  let winograd = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), async (seed) => {
      const outcome = await compare(seed);
      segments += outcome.segments;
      winograd += outcome.winograd;
      expect(outcome.worst).toBeLessThanOrEqual(1e-4);
    }),
    { numRuns: 200, seed: 1 },
  );
  // The networks must have had something to cut, and each method its share.
  expect(segments).toBeGreaterThan(400);
  expect(winograd).toBeGreaterThan(30);
}, 120_000);
