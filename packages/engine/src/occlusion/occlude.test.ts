import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OcclusionSettingsInput, occlusionSettings } from '@umbra/shared/contracts/settings';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEngine } from '../engine.js';
import { estimateRun } from '../estimate-run.js';
import { type ModelInput, prepareImage } from '../image/preprocess.js';
import { writeTinyBundle } from '../testing/tiny-bundle.js';
import type { Engine, OccludeOptions, OpenModel } from '../types.js';
import { countPasses } from './count-passes.js';
import { planOcclusion } from './resolve-run.js';

let folder: string;
let engine: Engine;
let model: OpenModel;
let input: ModelInput;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-occlude-'));
  engine = openEngine({ inferenceThreads: 2 });
  model = await engine.open(await writeTinyBundle(folder));
  const pixels = Buffer.from(Array.from({ length: 48 * 40 * 3 }, (_, at) => (at * 7919) % 251));
  const photo = await sharp(pixels, { raw: { width: 48, height: 40, channels: 3 } })
    .png()
    .toBuffer();
  input = await prepareImage(photo, model.bundle.input);
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const resolve = (settings: OcclusionSettingsInput, on = model) =>
  on.resolve(occlusionSettings.parse(settings), input);
const run = async (settings: OcclusionSettingsInput, options?: OccludeOptions) =>
  model.occlude(input, resolve(settings), options);

const fills: OcclusionSettingsInput['fill'][] = [
  { kind: 'mean' },
  { kind: 'dataset-mean' },
  { kind: 'blur', sigma: 4 },
  { kind: 'noise', seed: 3 },
];

describe('one run', () => {
  test('scores every target from the same forward passes', async () => {
    const seen: number[] = [];
    const top = await run(
      { patch: 8, stride: 4, target: { kind: 'top', k: 5 } },
      { onProgress: (done) => seen.push(done) },
    );
    expect(seen.at(-1)).toBe(top.plan.positions);
    const odds = top.baseline.targets.map(({ score }) => score);
    expect(odds).toEqual(odds.toSorted((a, b) => b - a));
    for (const [at, { index }] of top.baseline.targets.entries()) {
      const alone = await run({ patch: 8, stride: 4, target: { kind: 'class', index } });
      expect(top.scores[at]).toEqual(alone.scores[0]);
      expect(top.predictedClasses).toEqual(alone.predictedClasses);
      expect(top.baseline.targets[at]).toEqual(alone.baseline.targets[0]);
    }
  });

  test('records the predicted class at each position', async () => {
    const { scores, predictedClasses, plan } = await run({
      patch: 24,
      stride: 2,
      target: { kind: 'top', k: 5 },
    });
    const { baseline } = await run({ patch: 16, stride: 16, target: { kind: 'top', k: 5 } });
    for (let position = 0; position < plan.positions; position++) {
      const row = new Float32Array(5);
      for (const [at, { index }] of baseline.targets.entries())
        row[index] = scores[at]?.[position] ?? 0;
      expect(predictedClasses[position]).toBe(row.indexOf(Math.max(...row)));
    }
    expect(new Set(predictedClasses).size).toBeGreaterThan(1);
  });

  test('of several patch sizes is that of each, one after the other', async () => {
    const sizes = [8, { height: 4, width: 12 }];
    const all = await run({ patch: sizes, stride: 4 });
    const single = await Promise.all(sizes.map((patch) => run({ patch, stride: 4 })));
    expect([...(all.scores[0] ?? [])]).toEqual(
      single.flatMap(({ scores }) => [...(scores[0] ?? [])]),
    );
    expect([...all.predictedClasses]).toEqual(
      single.flatMap(({ predictedClasses }) => [...predictedClasses]),
    );
  });

  test.each(fills)(
    'with fill %j does not depend on rows or threads, to the last bit',
    async (fill) => {
      const settings: OcclusionSettingsInput = {
        patch: [8, 6],
        stride: 5,
        fill,
        score: 'log-odds',
      };
      const whole = await run(settings);
      const single = openEngine({ inferenceThreads: 1, batchBytes: 1 });
      try {
        const other = await single.open(join(folder, 'tiny'));
        const scores: number[] = [];
        for (let rowStart = 0; rowStart < whole.plan.rows; rowStart += 4) {
          const rowEnd = Math.min(rowStart + 4, whole.plan.rows);
          const rows = { rowStart, rowEnd };
          const part = await other.occlude(input, resolve(settings, other), { rows });
          scores.push(...(part.scores[0] ?? []));
        }
        expect(scores).toEqual([...(whole.scores[0] ?? [])]);
        expect(new Set(scores).size).toBeGreaterThan(scores.length / 2);
      } finally {
        await single.close();
      }
    },
  );

  test('takes the label from its options, and refuses an image without one', async () => {
    const { baseline } = await run({ patch: 16, target: { kind: 'label' } }, { label: 'kind 2' });
    expect(baseline.targets).toMatchObject([{ index: 2 }]);
    await expect(run({ patch: 16, target: { kind: 'label' } })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('to have a label'),
    });
  });
});

describe('a refined run', () => {
  const settings = { patch: 8, stride: 1, target: { kind: 'top', k: 2 } } as const;

  test('is exact where it ran, close elsewhere, and the same each time', async () => {
    const full = await run(settings);
    const refined = await run({ ...settings, refine: true });
    const again = await run({ ...settings, refine: true });
    expect(again.scores).toEqual(refined.scores);
    const ran = [...refined.predictedClasses.keys()].filter(
      (at) => refined.predictedClasses[at] !== -1,
    );
    expect(ran).toHaveLength(Math.floor(0.25 * full.plan.positions));
    for (const at of ran) {
      expect(refined.predictedClasses[at]).toBe(full.predictedClasses[at]);
      expect(refined.scores[1]?.[at]).toBe(full.scores[1]?.[at]);
    }
    for (const target of [0, 1]) {
      const [exact = new Float32Array(), found = new Float32Array()] = [
        full.scores[target],
        refined.scores[target],
      ];
      const span = Math.max(...exact) - Math.min(...exact);
      const error = exact.reduce((sum, value, at) => sum + Math.abs(value - (found[at] ?? 0)), 0);
      expect(error / exact.length).toBeLessThan(0.1 * span);
    }
  });

  test('and one with faithfulness need all rows', async () => {
    const rows = { rowStart: 0, rowEnd: 1 };
    await expect(run({ ...settings, refine: true }, { rows })).rejects.toThrow('all 25 rows');
    await expect(run({ ...settings, faithfulness: true }, { rows })).rejects.toThrow('all 25 rows');
  });
});

test('faithfulness is measured for each target, in probability whatever the score', async () => {
  const settings = { patch: 8, stride: 4, target: { kind: 'top', k: 2 } } as const;
  const box = { top: 0, left: 0, bottom: 40, right: 48 };
  const { faithfulness } = await run({ ...settings, faithfulness: { steps: 8 } }, { box });
  expect(faithfulness).toHaveLength(2);
  for (const judged of faithfulness ?? []) {
    expect(judged.deletion).toBeGreaterThan(0);
    expect(judged.insertion).toBeLessThan(1);
    expect(judged.pointingGame).toBe(true);
  }
  expect((await run(settings)).faithfulness).toBeNull();
});

test('what the operator forbids is refused, and auto means dense', async () => {
  const strict = openEngine({ inferenceThreads: 1, forbidIncremental: true });
  try {
    const other = await strict.open(join(folder, 'tiny'));
    // Resolved where nothing was known of this engine's limits.
    const at = (strategy: 'auto' | 'incremental') =>
      other.occlude(input, resolve({ patch: 16, strategy }));
    await expect(at('incremental')).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('UMBRA_FORBID_INCREMENTAL'),
    });
    const dense = await run({ patch: 16, strategy: 'dense' });
    expect((await at('auto')).scores).toEqual(dense.scores);
  } finally {
    await strict.close();
  }
});

describe('estimates', () => {
  const passes = (settings: OcclusionSettingsInput) => {
    const parsed = occlusionSettings.parse(settings);
    const plan = planOcclusion({ height: 32, width: 32 }, parsed);
    return countPasses({ settings: parsed, plan });
  };

  test.each([
    [{ patch: 8, stride: 8 }, 1 + 16],
    [{ patch: [8, 16], stride: 8 }, 1 + 16 + 9],
    [{ patch: 8, stride: 1, refine: true }, 1 + Math.ceil(625 / 4)],
    [{ patch: 8, stride: 8, faithfulness: { steps: 10 } }, 1 + 16 + 22],
    [
      { patch: 8, stride: 8, faithfulness: { steps: 10 }, target: { kind: 'top', k: 3 } },
      1 + 16 + 66,
    ],
  ] as [OcclusionSettingsInput, number][])('%j: %i forward passes', (settings, expected) => {
    expect(passes(settings)).toBe(expected);
  });

  test('are measured on this machine', async () => {
    const estimate = await estimateRun(model, resolve({ patch: [8, 6], stride: 1, refine: true }));
    expect(estimate.positions).toBe(25 * 25 + 27 * 27);
    expect(estimate.seconds).toBeGreaterThan(0);
    expect(estimate.memoryBytes).toBeGreaterThan(10e6);
  });
});

describe('a plan', () => {
  const small = { patch: 4, stride: 4 };

  test('names every node once, and gives the strategy that a run then has', async () => {
    const asked = resolve({ ...small, strategy: 'incremental' });
    const plan = await model.plan(asked);
    const nodes = plan.segments.reduce((sum, segment) => sum + segment.nodes, 0);
    expect(plan).toMatchObject({ strategy: 'incremental', patch: { height: 4, width: 4 } });
    expect(nodes).toBeGreaterThan(0);
    const { dense = 0, chosen = 0, changed = 0 } = plan.macs ?? {};
    expect(chosen).toBeLessThan(dense);
    expect(changed).toBeLessThanOrEqual(chosen);
    const { provenance } = await model.occlude(input, asked);
    expect(provenance.strategy).toBe('incremental');
  });

  test('for dense runs the whole network, and its arithmetic is that of the layers', async () => {
    const asked = resolve({ ...small, strategy: 'dense' });
    const plan = await model.plan(asked);
    // Two 3x3 convolutions of stride 2, 3 -> 8 -> 8 channels on 32 px, and a dense layer to 5 classes.
    const macs = 16 * 16 * 8 * 3 * 9 + 8 * 8 * 8 * 8 * 9 + 8 * 5;
    expect(plan).toMatchObject({ strategy: 'dense', segments: [], gain: 1 });
    expect(plan.macs).toMatchObject({ dense: macs, chosen: macs });
    const { provenance } = await model.occlude(input, asked);
    expect(provenance).toMatchObject({ strategy: 'dense', backend: 'onnxruntime', device: 'cpu' });
  });

  test('an estimate counts the multiply-adds of the passes that it tells', async () => {
    const asked = resolve({ patch: 8, stride: 8, strategy: 'dense' });
    const { macs, passes } = await estimateRun(model, asked);
    const { macs: each } = await model.plan(asked);
    expect(passes).toBe(17);
    expect(macs).toBe((each?.dense ?? 0) * 17);
  });

  test('an estimate of an incremental run has one whole pass, and parts for the positions', async () => {
    const asked = resolve({ ...small, strategy: 'incremental' });
    const { macs, passes } = await estimateRun(model, asked);
    const { dense = 0, chosen = 0 } = (await model.plan(asked)).macs ?? {};
    expect(passes).toBe(65);
    expect(macs).toBe(dense + chosen * 64);
  });
});
