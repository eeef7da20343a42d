import type { Trial } from '@umbra/client';
import { describe, expect, test } from 'vitest';
import { describeTrial, describeTried, signedPoints } from './trial-words.js';

type Result = NonNullable<Trial['result']>;

const arm = (mean: number, asClass = 0): Result['cover'] => ({
  ...{ images: 500, before: 0.9, after: 0.9 + mean },
  difference: { mean, low: mean - 0.04, high: mean + 0.041 },
  asClass: {
    ...{ before: 0.1, after: 0.1 + asClass },
    difference: { mean: asClass, low: asClass - 0.02, high: asClass + 0.03 },
  },
});
const effect = (right: number, asClass: number): Result['coverEffect'] => ({
  ...{ right: arm(right).difference, asClass: arm(0, asClass).asClass.difference },
});
const request = { of: { kind: 'cluster', cluster: 3 }, images: 1_000, seed: 1 } as const;
const trial = (result: Result | null, name = 'zebra'): Trial => ({
  ...{ version: 1, id: 'trial_0', job: 'job_0', request, state: 'completed', error: null, result },
  ...{ model: { name: 'net', digest: '' }, class: { index: 1, label: name } },
  ...{ createdAt: '', startedAt: null, endedAt: null, progress: { done: 1, total: 1 } },
});

describe('a trial in words', () => {
  test('says what covering loses, and as much elsewhere, and that nothing was pasted', () => {
    const result = {
      cover: arm(-0.412),
      coverElsewhere: arm(0.011),
      paste: null,
      pasteOther: null,
      ...{ coverEffect: effect(-0.423, 0), pasteEffect: null },
    };
    expect(describeTrial(trial(result))).toBe(
      "Covering it in 500 images of 'zebra' loses 41.2 accuracy points (37.1 to 45.2); covering as much elsewhere gains 1.1 accuracy points (-2.9 to 5.2). The difference, its own effect, loses 42.3 accuracy points (38.2 to 46.3).\nNo image of another class could take it: there are fewer than two, it fits in none of them, or their photos cannot be read.",
    );
  });

  test('says what pasting makes of other images', () => {
    const nothing = arm(0);
    const result = {
      ...{ cover: nothing, coverElsewhere: nothing },
      ...{ paste: arm(0, 0.301), pasteOther: arm(0, -0.004) },
      ...{ coverEffect: effect(0, 0), pasteEffect: effect(0, 0.305) },
    };
    const [, pasting] = describeTrial(trial(result, 'a\u001bb')).split('\n');
    expect(pasting).toBe(
      "Pasting it onto 500 images of other classes makes 30.1 points more of them 'a\\u001bb' (28.1 to 33.1); pasting what others have there makes 0.4 points fewer of them 'a\\u001bb' (-2.6 to 2.4). The difference, its own effect, makes 30.5 points more of them 'a\\u001bb' (28.5 to 33.5).",
    );
  });

  test('says nothing without a result', () => {
    expect(describeTrial(trial(null))).toBe('');
  });
});

test('what is tried is a cluster, or a class and a place', () => {
  const region = { top: 0, left: 0.25, bottom: 0.5, right: 1 };
  const of = { kind: 'region', class: 'zebra', region } as const;
  expect(describeTried(trial(null))).toBe('cluster 3');
  expect(describeTried({ ...trial(null), request: { ...request, of } })).toBe(
    'zebra at 0,0.25,0.5,1',
  );
  const indexed = { ...of, class: 'crane', index: 134 };
  expect(describeTried({ ...trial(null), request: { ...request, of: indexed } })).toBe(
    'crane (134) at 0,0.25,0.5,1',
  );
});

test('changes are listed in points, with their sign', () => {
  expect([signedPoints(0.014), signedPoints(-0.1286), signedPoints(0)]).toEqual([
    ...['+1.4', '-12.9', '0.0'],
  ]);
});
