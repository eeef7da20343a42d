import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outputKind } from '@umbra/shared/contracts/model';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openEngine } from '../engine.js';
import type { ModelInput } from '../image/preprocess.js';
import { writeTinyBundle } from '../testing/tiny-bundle.js';
import { encodeHead } from '../testing/tiny-onnx.js';
import type { Engine } from '../types.js';

const described = z.object({
  probability: z.array(z.number()),
  'log-odds': z.array(z.number()),
  logit: z.array(z.number()).optional(),
  predicted: z.int(),
  rank: z.array(z.int()),
});
const golden = z
  .object({
    numpy: z.string(),
    size: z.int(),
    patch: z.int(),
    heads: z
      .array(
        z.object({
          kind: outputKind,
          threshold: z.number(),
          auxiliary: z.boolean(),
          image: z.array(z.int()),
          weights: z.array(z.array(z.int())),
          baseline: described,
          positions: z.array(described),
        }),
      )
      .min(40),
  })
  .parse(
    JSON.parse(
      readFileSync(new URL('../../../../test/golden/heads/golden.json', import.meta.url), 'utf8'),
    ),
  );
const { size, patch } = golden;
type Head = (typeof golden.heads)[number];
const frame = { top: 0, left: 0, bottom: size, right: size };
const square = { height: size, width: size };

const lastOperation = {
  logits: undefined,
  probabilities: 'Softmax',
  'independent-logits': undefined,
  'independent-probabilities': 'Sigmoid',
};

/** The network of a head, with other scores in an output before it or not. */
function encode({ kind, weights, auxiliary }: Head): Buffer {
  const width = weights.length;
  const values = Array.from(
    { length: 48 * width },
    (_, at) => (weights[at % width]?.[Math.floor(at / width)] ?? Number.NaN) / 8,
  );
  return encodeHead(values, {
    last: lastOperation[kind],
    other: auxiliary ? 'auxiliary' : undefined,
  });
}

/** @see test/golden/heads/make.py, which made the numbers. */
describe(`scores and targets agree with their definitions in NumPy ${golden.numpy}`, () => {
  let engine: Engine;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'umbra-heads-'));
    engine = openEngine({ inferenceThreads: 1 });
  });
  afterAll(async () => {
    await engine.close();
    await rm(folder, { recursive: true });
  });

  test.each(golden.heads.map((head, nth) => ({ ...head, nth, numbers: head.weights.length })))(
    'head $nth: $kind of $numbers, auxiliary output: $auxiliary',
    async (head) => {
      const { kind, threshold, auxiliary, numbers, baseline, positions } = head;
      const bundle = await writeTinyBundle(folder, {
        name: `head-${head.nth}`,
        size,
        labels: null,
        onnx: encode(head),
        output: {
          kind,
          ...(auxiliary && { name: 'scores' }),
          ...(numbers === 1 && { positive: 'dog', negative: 'cat' }),
          ...(kind.startsWith('independent') && { threshold }),
        },
      });
      const model = await engine.open(bundle);
      const classes = Math.max(2, numbers);
      expect(model.labels).toEqual(
        numbers === 1 ? ['cat', 'dog'] : Array.from({ length: classes }, (_, n) => `class ${n}`),
      );
      const input: ModelInput = {
        ...square,
        tensor: Float32Array.from(head.image, (pixel) => pixel / 8),
        frame: { photo: square, resized: square, crop: frame },
      };
      for (const score of ['probability', 'log-odds', 'logit'] as const) {
        const expected = baseline[score];
        const settings = occlusionSettings.parse({
          patch,
          stride: patch,
          score,
          fill: { kind: 'constant', value: 0, space: 'normalized' },
          target: { kind: 'top', k: classes },
        });
        if (expected === undefined) {
          expect(() => model.resolve(settings, square)).toThrow("got 'logit'");
          continue;
        }
        const run = await model.occlude(input, model.resolve(settings, square));
        expect(run.baseline.targets.map(({ index }) => index)).toEqual(baseline.rank);
        expect(run.baseline.predicted).toMatchObject({ index: baseline.rank[0] });
        expect(run.baseline.predicted.probability).toBeCloseTo(
          baseline.probability[baseline.rank[0] ?? 0] ?? Number.NaN,
          5,
        );
        expect(run.baseline.predicted.aboveThreshold).toBe(
          kind.startsWith('independent') && numbers > 1 ? baseline.predicted !== -2 : undefined,
        );
        for (const [nth, { index, score: unoccluded }] of run.baseline.targets.entries()) {
          const wanted = [expected, ...positions.map((one) => one[score] ?? [])].map(
            (row) => row[index] ?? Number.NaN,
          );
          const found = [unoccluded, ...(run.scores[nth] ?? [])];
          expect(found).toHaveLength(wanted.length);
          for (const [at, value] of found.entries()) {
            // Odds of a float32 probability near 0 or 1 have as few digits as what is left to 1.
            const [close, size_] = [wanted[at] ?? Number.NaN, Math.abs(wanted[at] ?? 0)];
            const isRounded = score === 'log-odds' && kind.endsWith('probabilities');
            const tolerance = isRounded ? 1e-5 + 1e-7 * Math.exp(size_) : 1e-5 * (1 + size_);
            expect(Math.abs(value - close)).toBeLessThanOrEqual(tolerance);
          }
        }
        expect([...run.predictedClasses]).toEqual(positions.map(({ predicted }) => predicted));
      }
    },
  );
});
