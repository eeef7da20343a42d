import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { outputKind } from '@umbra/shared/contracts/model';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import type { Size } from '@umbra/shared/occlusion/grid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEngine } from '../engine.js';
import { imageLength } from '../image/pixel-format.js';
import type { ModelInput } from '../image/preprocess.js';
import { tinyNetwork, writeTinyBundle } from '../testing/tiny-bundle.js';
import { encodeOnnx } from '../testing/tiny-onnx.js';
import { pooledTfjs, writeTfjsBundle } from '../testing/tiny-tfjs.js';
import type { Classification, Engine, InputStream, OpenModel } from '../types.js';

const sample = fileURLToPath(new URL('../../../../models/efficientnet-lite0', import.meta.url));
const settings = occlusionSettings.parse({
  patch: 16,
  stride: 16,
  strategy: 'dense',
  target: { kind: 'top', k: 2 },
});
const side = 32;

let folder: string;
let engine: Engine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-classify-'));
  engine = openEngine({ inferenceThreads: 2 });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

/** An input without structure, in any layout. */
function inputFor({ bundle }: OpenModel, seed: number, size: Size = bundle.input): ModelInput {
  const { height, width } = size;
  const length = imageLength(bundle.input, size);
  const tensor = Float32Array.from({ length }, (_, at) => Math.sin(at * (seed + 1) * 0.37 + seed));
  const crop = { top: 0, left: 0, bottom: height, right: width };
  return { height, width, tensor, frame: { photo: size, resized: size, crop } };
}

async function collect(model: OpenModel, inputs: InputStream): Promise<Classification[]> {
  const all: Classification[] = [];
  for await (const one of model.classify(inputs)) all.push(one);
  return all;
}

/** Networks of every kind of output, and of both formats. */
const models: Record<string, () => Promise<string>> = {
  ...Object.fromEntries(
    outputKind.options.map((kind) => [
      kind,
      () => {
        const { nodes, output, ...tiny } = tinyNetwork();
        const op = {
          logits: 'Identity',
          probabilities: 'Softmax',
          'independent-logits': 'Identity',
          'independent-probabilities': 'Sigmoid',
        }[kind];
        const scores = { op, inputs: ['logits'], output: 'scores' };
        const onnx = encodeOnnx({
          ...tiny,
          nodes: [...nodes, scores],
          output: { ...output, name: 'scores' },
        });
        return writeTinyBundle(folder, { name: kind, onnx, output: kind });
      },
    ]),
  ),
  'one independent number': () =>
    writeTinyBundle(folder, {
      name: 'one',
      onnx: encodeOnnx(tinyNetwork(1)),
      labels: null,
      output: { kind: 'independent-logits', positive: 'yes' },
    }),
  'TensorFlow.js': () => writeTfjsBundle(folder, pooledTfjs(side), { output: 'probabilities' }),
  'the sample model': async () => sample,
};

test.each(Object.entries(models))(
  '%s: each input is classified as a run of it alone is',
  async (_, write) => {
    const model = await engine.open(await write());
    const count = model.labels.length > 100 ? 3 : 9;
    const inputs = Array.from({ length: count }, (__, seed) => inputFor(model, seed));
    const found = await collect(model, inputs);
    expect(found).toHaveLength(count);
    for (const [nth, input] of inputs.entries()) {
      const one = found[nth];
      const run = model.resolve(settings, input);
      const { baseline } = await model.occlude(input, run, { rows: { rowStart: 0, rowEnd: 1 } });
      expect(baseline.top?.length).toBeGreaterThan(1);
      const { index, aboveThreshold = true } = baseline.predicted;
      expect(one?.predicted).toBe(aboveThreshold ? index : -2);
      for (const { index: ranked, probability } of baseline.top ?? []) {
        expect(one?.probability(ranked)).toBe(probability);
      }
      // Alone it is filled up to a batch of two, and beside others it is one of up to eight.
      const [alone] = await collect(model, [input]);
      expect(alone?.output).toEqual(one?.output);
    }
    expect(new Set(found.map(({ output }) => output.join())).size).toBe(count);
  },
);

describe('a tiny network', () => {
  let model: OpenModel;
  beforeAll(async () => {
    model = await engine.open(
      await writeTinyBundle(folder, { input: { resize: { rule: 'fit', shorterSide: side } } }),
    );
  });

  test('inputs may have several extents, and are answered in order', async () => {
    const sizes = [
      [32, 32],
      [32, 40],
      [32, 40],
      [48, 32],
      [32, 32],
    ] as const;
    const inputs = sizes.map(([height, width], seed) => inputFor(model, seed, { height, width }));
    const found = await collect(model, inputs);
    for (const [nth, input] of inputs.entries()) {
      const [alone] = await collect(model, [input]);
      expect(found[nth]?.output).toEqual(alone?.output);
    }
  });

  test('inputs are pulled as they are run, and no more once nobody takes their outputs', async () => {
    let pulled = 0;
    async function* many() {
      while (pulled < 400) yield inputFor(model, pulled++);
    }
    let taken = 0;
    for await (const { output } of model.classify(many())) {
      expect(output).toHaveLength(5);
      // Two threads run a batch of eight each, and one waits.
      expect(pulled).toBeLessThanOrEqual(taken + 24);
      taken += 1;
      if (taken === 100) break;
    }
    expect(pulled).toBeLessThanOrEqual(124);
  });

  test('none gives none', async () => {
    expect(await collect(model, [])).toEqual([]);
  });

  // Of twenty, all are running once the first is taken.
  test.each([200, 20])('a signal ends %i inputs within a batch', async (count) => {
    const controller = new AbortController();
    const inputs = Array.from({ length: count }, (_, seed) => inputFor(model, seed));
    let taken = 0;
    const run = async () => {
      for await (const _ of model.classify(inputs, { signal: controller.signal })) {
        taken += 1;
        if (taken === 3) controller.abort();
      }
    };
    await expect(run()).rejects.toMatchObject({ code: 'cancelled' });
    expect(taken).toBeLessThanOrEqual(8);
  });

  test('a tensor of another length is refused', async () => {
    const input = { ...inputFor(model, 1), height: 31 };
    await expect(collect(model, [input])).rejects.toMatchObject({
      code: 'invalid_input',
      message:
        "Expected an input of model 'tiny' of 31 x 32 px (height x width) to have 2976 numbers, got 3072",
    });
  });

  test('NaN is refused', async () => {
    const input = inputFor(model, 1);
    const broken = { ...input, tensor: input.tensor.map(() => Number.NaN) };
    await expect(collect(model, [input, broken])).rejects.toMatchObject({
      code: 'integrity',
      message: "Model 'tiny' gives NaN for input 1",
    });
  });
});
