import type { ClassReport, Estimate, JobReport } from '@umbra/shared/contracts/report';
import { reportDifference } from '@umbra/shared/contracts/report-difference';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { describe, expect, test } from 'vitest';
import { decodeCells, encodeCells } from './cells.js';
import { compareReports } from './difference.js';

const exactly = (mean: number): Estimate => ({ mean, low: mean, high: mean });

function ofClass(label: string, more: Partial<ClassReport> = {}): ClassReport {
  const cells = encodeCells([1, 2, Number.NaN, 0]);
  return {
    class: { index: 0, label },
    images: 50,
    accuracy: null,
    drop: exactly(0.5),
    flipped: exactly(0.1),
    atlas: { input: { images: 50, mean: cells, deviation: cells }, object: null },
    running: [],
    enough: { images: null, tolerance: 0.02 },
    offObject: null,
    border: null,
    ...more,
  };
}

function report(job: string, more: Partial<JobReport> = {}): JobReport {
  return {
    version: 1,
    job: `job_${job.repeat(20)}`,
    model: { name: 'model', digest: '0'.repeat(64) },
    settings: occlusionSettings.parse({}),
    request: { others: [], patches: 2_000, checkedImages: 16, seed: 1 },
    writtenAt: '2026-01-01T00:00:00.000Z',
    images: { total: 50, ended: 50, read: 50 },
    isComplete: true,
    groupBy: 'label',
    lattice: { rows: 2, columns: 2 },
    input: { height: 64, width: 64 },
    metrics: {
      images: 50,
      accuracy: 0.9,
      drop: 0.5,
      flipped: 0.1,
      'off-object': 0.25,
      border: null,
      'significant-classes': 0,
      'off-object-cluster': null,
      unstable: null,
      suspects: 0,
    },
    classes: [ofClass('cat')],
    patches: { layer: null, reason: null, images: 0, candidates: 0, choices: [], clusters: [] },
    flips: [],
    trust: { agreement: null, order: null },
    suspects: [],
    notes: [],
    ...more,
  };
}

describe('compareReports', () => {
  test('of a report with itself finds nothing', () => {
    const difference = compareReports(report('a'), report('a'));
    expect(reportDifference.parse(difference)).toEqual(difference);
    expect(difference.notes).toEqual([]);
    expect(difference.metrics.drop).toEqual({
      a: 0.5,
      b: 0.5,
      difference: 0,
      low: null,
      high: null,
    });
    expect(difference.classes[0]).toMatchObject({ class: 'cat', similarity: 1 });
    expect(decodeCells(difference.classes[0]?.atlas ?? '')).toEqual(
      Float32Array.of(0, 0, Number.NaN, 0),
    );
  });

  test('has metrics as b minus a, where both are known', () => {
    const a = report('a');
    const b = report('b', { metrics: { ...a.metrics, accuracy: 0.75, border: 0.3 } });
    const { metrics } = compareReports(a, b);
    expect(metrics.accuracy?.difference).toBeCloseTo(-0.15, 12);
    expect(metrics.border).toEqual({ a: null, b: 0.3, difference: null, low: null, high: null });
    expect(metrics['off-object']?.difference).toBe(0);
  });

  test('makes the interval of a difference from those of both', () => {
    // Wilson intervals of 56/70 and 48/80 and their difference by Newcombe's method for independent shares
    // (confint_proportions_2indep, method 'newcomb'), statsmodels 0.15.0.
    const accuracy = (mean: number, low: number, high: number) => ({
      classes: [ofClass('cat', { accuracy: { mean, low, high } })],
    });
    const a = report('a', accuracy(0.6, 0.4904546500516038, 0.7003817240412906));
    const b = report('b', accuracy(0.8, 0.6918335550374695, 0.8769526075163705));
    const changed = compareReports(a, b).classes[0]?.accuracy;
    expect(changed?.difference).toBeCloseTo(0.2, 12);
    expect(changed?.low).toBeCloseTo(0.05243147240236498, 9);
    expect(changed?.high).toBeCloseTo(0.33387265403690614, 9);
  });

  test('matches classes by name whatever the case, the largest change first', () => {
    const a = report('a', {
      classes: ['Cat', 'dog', 'owl', 'fox'].map((label) => ofClass(label)),
    });
    const b = report('b', {
      classes: [
        ofClass('CAT', { drop: exactly(0.55), images: 7 }),
        ofClass('dog', { drop: exactly(0.1) }),
        ofClass('emu'),
        ofClass('fox'),
        ofClass('Fox'),
      ],
    });
    const difference = compareReports(a, b);
    expect(difference.classes.map((one) => one.class)).toEqual(['dog', 'Cat', 'fox']);
    expect(difference.classes[1]?.images).toEqual({ a: 50, b: 7 });
    expect(difference.onlyA).toEqual(['owl']);
    expect(difference.onlyB).toEqual(['emu', 'Fox']);
  });

  test('compares mean maps over the cells that both have', () => {
    const atlas = (...cells: number[]) => {
      const mean = encodeCells(cells);
      return {
        classes: [
          ofClass('cat', { atlas: { input: { images: 1, mean, deviation: mean }, object: null } }),
        ],
      };
    };
    const compare = (a: number[], b: number[]) =>
      compareReports(report('a', atlas(...a)), report('b', atlas(...b))).classes[0];
    // 1 - spatial.distance.cosine of scipy 1.17.1.
    const found = compare([1, 2, 0, 3, Number.NaN], [2, 1, 1, 1, 9]);
    expect(found?.similarity).toBeCloseTo(0.7071067811865477, 9);
    expect(decodeCells(found?.atlas ?? '')).toEqual(Float32Array.of(1, -1, 1, -2, Number.NaN));
    expect(compare([0, 0], [1, 2])?.similarity).toBeNull();
    expect(compare([1, 2], [1, 2, 3])).toMatchObject({ similarity: null, atlas: null });
  });

  test('tells why numbers may not be comparable', () => {
    const settings = occlusionSettings.parse({
      score: 'logit',
      patch: [16, 32],
      stride: 8,
      fill: { kind: 'mean' },
    });
    const b = report('b', { settings, input: null, groupBy: 'predicted', isComplete: false });
    expect(compareReports(report('a'), b).notes).toEqual([
      'Scores are logit in this job, and probability in the other',
      'Patches are 16x16, 32x32 in this job, and 32x32 in the other',
      'Strides are 8x8 in this job, and 16x16 in the other',
      'Fills are mean in this job, and constant 0 normalized in the other',
      'Inputs are of several sizes in this job, and 64x64 in the other',
      'Images are grouped by predicted in this job, and label in the other',
      'Not every image of this job has ended',
    ]);
  });
});
