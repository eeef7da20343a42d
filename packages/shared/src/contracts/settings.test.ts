import { describe, expect, test } from 'vitest';
import { jobRequest } from './job.js';
import { type OcclusionSettingsInput, occlusionSettings, patchesOf } from './settings.js';

const defaults = {
  patch: { height: 32, width: 32 },
  stride: { y: 16, x: 16 },
  edge: 'clip',
  fill: { kind: 'constant', value: 0, space: 'normalized' },
  target: { kind: 'predicted' },
  score: 'probability',
  strategy: 'auto',
  allowGaps: false,
  refine: null,
  faithfulness: null,
};

test('an empty object is the defaults, and so are a job’s settings when left out', () => {
  expect(occlusionSettings.parse({})).toEqual(defaults);
  const request = jobRequest.parse({ dataset: 'ds_00000000000000000000', model: 'net' });
  expect(request.settings).toEqual(defaults);
});

test('one number stands for both axes', () => {
  const { patch, stride } = occlusionSettings.parse({ patch: 20, stride: 10 });
  expect({ patch, stride }).toEqual({ patch: { height: 20, width: 20 }, stride: { y: 10, x: 10 } });
});

test('several patch sizes stay a list, one does not', () => {
  const parse = (patch: OcclusionSettingsInput['patch']) =>
    occlusionSettings.parse({ patch, stride: 4 }).patch;
  expect(parse([8, { height: 4, width: 6 }])).toEqual([
    { height: 8, width: 8 },
    { height: 4, width: 6 },
  ]);
  expect(parse([8])).toEqual({ height: 8, width: 8 });
  expect(patchesOf({ patch: parse([8]) })).toEqual([{ height: 8, width: 8 }]);
});

test('what is asked for without details takes their defaults', () => {
  const { refine, faithfulness } = occlusionSettings.parse({ refine: true, faithfulness: true });
  expect({ refine, faithfulness }).toEqual({
    refine: { every: 5, share: 0.25 },
    faithfulness: { steps: 50 },
  });
  const some = occlusionSettings.parse({ refine: { every: 9 }, faithfulness: { steps: 9 } });
  expect(some).toMatchObject({ refine: { every: 9, share: 0.25 }, faithfulness: { steps: 9 } });
  const none = occlusionSettings.parse({ refine: false, faithfulness: null });
  expect(none).toEqual(defaults);
});

const whole: OcclusionSettingsInput[] = [
  { patch: { height: 8, width: 16 }, stride: 8 },
  { patch: [32, 16], stride: 8, fill: { kind: 'blur', sigma: 3 }, target: { kind: 'top', k: 3 } },
  { fill: { kind: 'noise', seed: 7 }, refine: true, faithfulness: { steps: 20 } },
  { preset: 'article', patch: 50, stride: 50, target: { kind: 'label' } },
];
test.each(whole)('%j, parsed, parses again to the same', (settings) => {
  const once = occlusionSettings.parse(settings);
  expect(occlusionSettings.parse(JSON.parse(JSON.stringify(once)))).toEqual(once);
});

describe("preset 'article'", () => {
  test('is stored written out, beside its name', () => {
    expect(occlusionSettings.parse({ preset: 'article' })).toEqual({
      ...defaults,
      preset: 'article',
      stride: { y: 14, x: 14 },
      edge: 'article',
      fill: { kind: 'constant', value: 0.5, space: 'normalized' },
    });
  });

  test.each([
    ['edge', { edge: 'clip' }],
    ['fill', { fill: { kind: 'mean' } }],
    ['score', { score: 'logit' }],
    ['refine', { refine: true }],
  ] as const)('refuses another %s', (field, other) => {
    const parsed = occlusionSettings.safeParse({ preset: 'article', ...other });
    expect(parsed.error?.issues).toMatchObject([
      { path: [field], message: expect.stringContaining("which preset 'article' means") },
    ]);
  });
});

describe('refusals', () => {
  test.each([
    [{ stride: 0 }, 'stride'],
    [{ stride: -1 }, 'stride'],
    [{ stride: 1.5 }, 'stride'],
    [{ patch: -5 }, 'patch'],
    [{ patch: { height: 0, width: 1 } }, 'patch'],
    [{ patch: { height: 8 } }, 'patch'],
    [{ patch: 16_385 }, 'patch'],
    [{ edge: 'wrap' }, 'edge'],
    [{ fill: { kind: 'constant', value: 101 } }, 'fill'],
    [{ target: { kind: 'class' } }, 'target'],
    [{ target: { kind: 'class', index: -1 } }, 'target'],
    [{ score: 'loss' }, 'score'],
    [{ patch: [] }, 'patch'],
    [{ patch: [32, { height: 32, width: 32 }] }, 'patch'],
    [{ patch: [32, 0] }, 'patch'],
    [{ fill: { kind: 'blur' } }, 'fill'],
    [{ fill: { kind: 'noise', seed: -1 } }, 'fill'],
    [{ target: { kind: 'top', k: 0 } }, 'target'],
    [{ strategy: 'fast' }, 'strategy'],
    [{ refine: { every: 1 } }, 'refine'],
    [{ preset: 'paper' }, 'preset'],
  ])('%j', (settings, field) => {
    const parsed = occlusionSettings.safeParse(settings);
    // One line for one mistake: what depends on a bad field is not judged.
    expect(parsed.error?.issues.map(({ path }) => path[0])).toEqual([field]);
  });

  test('names that are not settings', () => {
    expect(occlusionSettings.safeParse({ pach: 3 }).error?.issues[0]?.message).toContain('pach');
  });
});

describe('gaps', () => {
  test.each([
    { stride: 33 },
    { stride: { y: 33, x: 1 } },
    { stride: { y: 1, x: 33 } },
    { patch: 15 },
    { patch: [32, 15] },
  ])('%j must be allowed', (settings) => {
    expect(occlusionSettings.safeParse(settings).error?.issues).toMatchObject([
      { path: ['stride'], message: expect.stringContaining('allowGaps') },
    ]);
    expect(occlusionSettings.safeParse({ ...settings, allowGaps: true }).success).toBe(true);
  });

  test('there are none where patches touch', () => {
    expect(occlusionSettings.safeParse({ patch: 16, stride: 16 }).success).toBe(true);
  });
});
