import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openEngine } from '../engine.js';
import { prepareImage } from '../image/preprocess.js';
import type { Engine, OpenModel } from '../types.js';

const root = new URL('../../../../', import.meta.url);
const rows = z.array(z.array(z.number()));
const golden = z
  .object({
    versions: z.record(z.string(), z.string()),
    modelSha256: z.string(),
    classIndex: z.int(),
    baseline: z.object({ probability: z.number(), logit: z.number() }),
    cases: z
      .array(
        z.object({
          settings: occlusionSettings,
          rows: z.int(),
          columns: z.int(),
          probability: rows,
          logit: rows,
        }),
      )
      .min(4),
  })
  .parse(JSON.parse(readFileSync(new URL('test/golden/dense/golden.json', root), 'utf8')));

/** @see test/golden/dense/make.py, which made the numbers with PyTorch on the same weights. */
describe(`dense scores agree with PyTorch ${golden.versions.torch}`, () => {
  let engine: Engine;
  let model: OpenModel;
  beforeAll(async () => {
    engine = openEngine({ inferenceThreads: 2 });
    model = await engine.open(fileURLToPath(new URL('models/efficientnet-lite0', root)));
  });
  afterAll(() => engine.close());

  test('the golden file was made from the model in the repository', () => {
    expect(model.bundle.files[0]?.sha256).toBe(golden.modelSha256);
    expect(existsSync(new URL('test/golden/dense/make.py', root))).toBe(true);
  });

  test.each(
    golden.cases.flatMap((one) =>
      (['probability', 'logit'] as const).map((score) => ({
        ...one,
        score,
        name: `${JSON.stringify(one.settings.patch)} ${one.settings.edge} ${score}`,
      })),
    ),
  )('$name', async (one) => {
    const photo = readFileSync(new URL('test/golden/dense/input.png', root));
    const input = await prepareImage(photo, { ...model.bundle.input, resize: { rule: 'squash' } });
    const run = await model.occlude(
      input,
      model.resolve({ ...one.settings, score: one.score }, input),
    );
    const [target] = run.baseline.targets;
    expect(target?.index).toBe(golden.classIndex);
    expect(Math.abs((target?.score ?? 0) - golden.baseline[one.score])).toBeLessThan(1e-4);
    expect(run.plan.grids).toMatchObject([{ rows: one.rows, columns: one.columns }]);
    const expected = one[one.score].flat();
    const largest = Math.max(
      ...[...(run.scores[0] ?? [])].map((score, index) =>
        Math.abs(score - (expected[index] ?? Number.NaN)),
      ),
    );
    expect(largest).toBeLessThan(1e-4);
  });
});
