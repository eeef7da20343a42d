import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { patchBox } from '@umbra/shared/occlusion/grid';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadOnnxruntime } from './backends/onnxruntime.js';
import { openEngine } from './engine.js';
import { type ModelInput, prepareImage } from './image/preprocess.js';
import { copyBox } from './occlusion/copy.js';
import { fillImage } from './occlusion/fill.js';
import { softmaxAt } from './occlusion/output-head.js';
import { planOcclusion, type ResolvedRun, resolveRun } from './occlusion/resolve-run.js';
import { writeTinyBundle } from './testing/tiny-bundle.js';
import type { Engine, OpenModel } from './types.js';

let folder: string;
let engine: Engine;
let model: OpenModel;
let input: ModelInput;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-engine-'));
  engine = openEngine({ inferenceThreads: 2 });
  model = await engine.open(await writeTinyBundle(folder));
  input = await prepareImage(await noisePhoto(48, 40), model.bundle.input);
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

/** A photo without structure, so that every position scores differently. */
async function noisePhoto(width: number, height: number): Promise<Buffer> {
  const pixels = Buffer.from(
    Array.from({ length: width * height * 3 }, (_, index) => (index * 7919 + index ** 2) % 251),
  );
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

describe('dense occlusion', () => {
  for (const edge of ['clip', 'valid', 'article'] as const) {
    test(`edge ${edge}: every score is that of its own forward pass`, async () => {
      const settings = occlusionSettings.parse({
        patch: { height: 9, width: 7 },
        stride: { y: 5, x: 6 },
        edge,
        fill: { kind: 'constant', value: 0.25, space: 'pixel' },
      });
      const {
        plan,
        scores: all,
        baseline,
      } = await model.occlude(input, model.resolve(settings, input));
      const [grid] = plan.grids;
      const [scores] = all;
      if (grid === undefined || scores === undefined) throw new Error('nothing was run');
      const backend = await loadOnnxruntime(join(folder, 'tiny'), model.bundle, {
        provider: 'cpu',
        sessionThreads: 1,
      });
      const filled = fillImage(input, settings.fill, model.bundle.input);
      expect(scores).toHaveLength(grid.rows * grid.columns);
      for (let index = 0; index < scores.length; index++) {
        const image = Float32Array.from(input.tensor);
        const row = Math.floor(index / grid.columns);
        copyBox(
          image,
          filled,
          { ...input, layout: 'NCHW', channels: 'RGB' },
          patchBox(grid, row, index % grid.columns),
        );
        const output = await backend.run(image, 1, input.height, input.width);
        expect(scores[index]).toBeCloseTo(softmaxAt(output, baseline.predicted.index), 6);
      }
      expect(new Set(scores).size).toBeGreaterThan(scores.length / 2);
      await backend.close();
    });
  }

  test('scores do not depend on the rows that run together, to the last bit', async () => {
    const settings = occlusionSettings.parse({ patch: 8, stride: 3, score: 'logit' });
    const whole = await model.occlude(input, model.resolve(settings, input));
    for (const size of [1, 2, 3, 5]) {
      const parts: number[] = [];
      for (let rowStart = 0; rowStart < whole.plan.rows; rowStart += size) {
        const rowEnd = Math.min(rowStart + size, whole.plan.rows);
        const part = await model.occlude(input, model.resolve(settings, input), {
          rows: { rowStart, rowEnd },
        });
        parts.push(...(part.scores[0] ?? []));
      }
      expect(parts).toEqual([...(whole.scores[0] ?? [])]);
    }
  });

  test('scores do not depend on the number of threads', async () => {
    const single = openEngine({ inferenceThreads: 1, batchBytes: 1 });
    try {
      const other = await single.open(join(folder, 'tiny'));
      const settings = occlusionSettings.parse({ patch: 8, stride: 4 });
      const expected = await model.occlude(input, model.resolve(settings, input));
      const found = await other.occlude(input, other.resolve(settings, input));
      expect(found.scores).toEqual(expected.scores);
      expect(found.baseline).toEqual(expected.baseline);
    } finally {
      await single.close();
    }
  });

  test('progress counts every position once and a signal stops the run', async () => {
    const settings = occlusionSettings.parse({ patch: 4, stride: 1 });
    const { positions } = planOcclusion(input, settings);
    const seen: number[] = [];
    await model.occlude(input, model.resolve(settings, input), {
      onProgress: (done) => seen.push(done),
    });
    expect(seen.at(-1)).toBe(positions);

    const controller = new AbortController();
    let done = 0;
    const run = model.occlude(input, model.resolve(settings, input), {
      signal: controller.signal,
      onProgress: (count) => {
        done = count;
        controller.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: 'cancelled' });
    expect(done).toBeLessThan(positions);
  });

  test('classes are found by index and by name, and unknown ones are named', async () => {
    const at = async (target: unknown) => {
      const settings = occlusionSettings.parse({ patch: 16, stride: 16, target });
      return model.occlude(input, model.resolve(settings, input));
    };
    const byIndex = await at({ kind: 'class', index: 3 });
    const byName = await at({ kind: 'class', name: 'Kind 3' });
    expect(byIndex.baseline.targets).toMatchObject([{ index: 3, label: 'kind 3' }]);
    expect(byName.scores).toEqual(byIndex.scores);
    await expect(at({ kind: 'class', index: 5 })).rejects.toThrow('below 5, got 5');
    await expect(at({ kind: 'class', name: 'ki' })).rejects.toThrow('did you mean kind 0, kind 1');
  });

  test('rows outside the grid and a patch beyond the input are refused', async () => {
    const settings = occlusionSettings.parse({ patch: 16, stride: 16 });
    await expect(
      model.occlude(input, model.resolve(settings, input), { rows: { rowStart: 0, rowEnd: 9 } }),
    ).rejects.toThrow('Expected rows within [0, 2)');
    expect(() => model.resolve(occlusionSettings.parse({ patch: 33 }), input)).toThrow(
      'Expected the vertical patch (33 px) to be at most',
    );
  });
});

describe('a model opened with the run that follows', () => {
  const scoresAfter = async (next?: ResolvedRun) => {
    const own = openEngine({ inferenceThreads: 2 });
    try {
      const opened = await own.open(join(folder, 'tiny'), next);
      const settings = occlusionSettings.parse({ patch: 4, stride: 4, strategy: 'incremental' });
      return (await opened.occlude(input, opened.resolve(settings, input))).scores;
    } finally {
      await own.close();
    }
  };
  const size = { height: 32, width: 32 };

  test.each([
    ['that fits', { patch: 4, stride: 4 }, size],
    ['for another extent of the input', { patch: 64, stride: 4 }, { height: 80, width: 72 }],
    ['whose target the model does not have', { target: { kind: 'class', index: 99 } }, size],
  ])('%s gives the scores of one opened without', async (_, given, extent) => {
    // Resolved as before a model is open: its classes are not known.
    const next = resolveRun(occlusionSettings.parse(given), model.bundle, extent);
    expect(await scoresAfter(next)).toEqual(await scoresAfter());
  });
});
