import { describe, expect, test } from 'vitest';
import { jobRequest } from './job.js';
import { occlusionSettings } from './settings.js';

const defaults = {
  patch: { height: 32, width: 32 },
  stride: { y: 16, x: 16 },
  edge: 'clip',
  fill: { kind: 'constant', value: 0, space: 'normalized' },
  target: { kind: 'predicted' },
  score: 'probability',
  allowGaps: false,
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

test('what was parsed parses again to the same', () => {
  const once = occlusionSettings.parse({ patch: { height: 8, width: 16 }, stride: 8 });
  expect(occlusionSettings.parse(once)).toEqual(once);
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
  ])('%j', (settings, field) => {
    const parsed = occlusionSettings.safeParse(settings);
    expect(parsed.error?.issues[0]?.path[0]).toBe(field);
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
