import { classReport, jobReport } from '@umbra/shared/contracts/report';
import { createRandom } from '@umbra/shared/random';
import { describe, expect, test } from 'vitest';
import { type BuilderOptions, openReportBuilder } from './builder.js';
import { decodeCells } from './cells.js';
import type { ImageEvidence } from './evidence.js';
import { shareFairly } from './grouping.js';
import { evidenceOf } from './testing/evidence.js';

const options: BuilderOptions = { seed: 1, unit: 'probability', maxPatches: 100, maps: [] };
const classNamed = (index: number) => ({ index, label: `class ${index}` });

function reportOf(images: readonly ImageEvidence[], given: Partial<BuilderOptions> = {}) {
  const builder = openReportBuilder({ ...options, ...given });
  for (const image of images) builder.add(image);
  for (const image of images) builder.rank(image);
  return { ...builder.finish(), patches: builder.patchCandidates() };
}

/** Images of several classes, each with a box and all that can be known. */
const varied = Array.from({ length: 90 }, (_, nth) => {
  const { uniform } = createRandom(nth);
  const [label, predicted] = [classNamed(nth % 3), classNamed(uniform() < 0.7 ? nth % 3 : 2)];
  const map = Float32Array.from({ length: 256 }, () => uniform() - 0.4);
  return evidenceOf(nth, {
    label: label.label,
    labelClass: label,
    predicted,
    isRight: label.index === predicted.index,
    drop: uniform() - 0.1,
    map,
    objectMap: map.map((value, cell) => (cell < 20 ? Number.NaN : value)),
    box: { top: 0.25, left: 0.25 * uniform(), bottom: 0.75, right: 0.75 },
    offObjectShare: uniform(),
    borderShare: uniform(),
    flips: [
      {
        to: classNamed(5),
        positions: nth % 7,
        drop: 0.1,
        box: { top: 0, left: 0, bottom: 9, right: 9 },
      },
    ],
  });
});

describe('a report', () => {
  const images = [
    evidenceOf(0, { drop: 0.5, isRight: true }),
    evidenceOf(1, { drop: 0.25, isRight: false, map: new Float32Array(256).fill(0.3) }),
    evidenceOf(2, { label: 'crane', labelClass: classNamed(1), drop: 0, isRight: true }),
    evidenceOf(3, {
      label: null,
      labelClass: null,
      isRight: null,
      drop: 0.75,
      flips: [{ to: null, positions: 13, drop: 0, box: { top: 0, left: 0, bottom: 9, right: 9 } }],
    }),
  ];
  const report = reportOf(images);

  test('groups by label where at least half of the images have one that names a class', () => {
    expect(report.groupBy).toBe('label');
    expect(reportOf(images.slice(2)).groupBy).toBe('label');
    expect(reportOf([...images.slice(2), ...images.slice(3)]).groupBy).toBe('predicted');
    expect(reportOf([]).groupBy).toBe('predicted');
    expect(reportOf(images, { groupBy: 'predicted' }).classes.map((one) => one.class)).toEqual([
      { index: 0, label: 'heron' },
    ]);
  });

  test('has the classes with their means, the most images first', () => {
    expect(report.classes.map((one) => [one.class, one.images])).toEqual([
      [{ index: 0, label: 'heron' }, 2],
      [{ index: 1, label: 'class 1' }, 1],
      [{ index: null, label: 'no class' }, 1],
    ]);
    const [heron, , none] = report.classes;
    expect(heron?.drop.mean).toBe(0.375);
    expect(heron?.accuracy?.mean).toBe(0.5);
    expect(none?.accuracy).toBeNull();
    expect(none?.flipped.mean).toBe(13 / 169);
    expect(heron?.offObject).toBeNull();
    expect(heron?.border).toBeNull();
    expect(heron?.atlas.object).toBeNull();
    expect(decodeCells(heron?.atlas.input.mean ?? '')[0]).toBeCloseTo(0.2, 6);
    expect(decodeCells(heron?.atlas.input.deviation ?? '')[0]).toBeCloseTo(Math.SQRT2 / 10, 6);
    expect(decodeCells(none?.atlas.input.deviation ?? '')[0]).toBeNaN();
  });

  test('sums up all images, and says what is not known', () => {
    expect(report.metrics).toEqual({
      images: 4,
      accuracy: 2 / 3,
      drop: 0.375,
      flipped: 13 / 169 / 4,
      'off-object': null,
      border: null,
      'significant-classes': 0,
      'off-object-cluster': null,
      unstable: null,
      suspects: 0,
    });
    expect(report.input).toEqual({ height: 224, width: 224 });
    const other = evidenceOf(9, { input: { height: 224, width: 300 } });
    expect(reportOf([...images, other]).input).toBeNull();
    expect(report.notes).toEqual([
      '3 classes have fewer than 10 images: intervals are too narrow there, and of one image they are its number.',
    ]);
  });

  test('puts images of which no class is predicted into one group', () => {
    const predicted = { ...classNamed(4), aboveThreshold: false };
    const { classes } = reportOf([evidenceOf(0, { predicted })], { groupBy: 'predicted' });
    expect(classes[0]?.class).toEqual({ index: null, label: 'no class' });
  });

  test('has the form of its contract', () => {
    const { classes, flips, metrics } = reportOf(varied);
    expect(classReport.array().parse(classes)).toEqual(classes);
    expect(jobReport.shape.flips.parse(flips)).toEqual(flips);
    expect(jobReport.shape.metrics.parse(metrics)).toEqual(metrics);
  });

  test('is the same in whatever order images come', () => {
    const forth = reportOf(varied);
    const back = reportOf(varied.toReversed());
    const rounded = (value: unknown) =>
      JSON.parse(JSON.stringify(value), (key, one: unknown) => {
        if (typeof one === 'number') return Number(one.toFixed(9));
        if (key !== 'mean' && key !== 'deviation') return one;
        return Array.from(decodeCells(String(one)), (cell) => cell.toFixed(5));
      });
    expect(rounded(back)).toEqual(rounded(forth));
    expect(rounded(reportOf(varied, { seed: 2 }))).not.toEqual(rounded(forth));
  });
});

describe('candidates for patches', () => {
  const images = [5, 40, 200].flatMap((size, index) =>
    Array.from({ length: size }, (_, nth) =>
      evidenceOf(1_000 * index + nth, {
        labelClass: classNamed(index),
        drop: nth % 10 === 0 ? -0.1 : nth / size,
      }),
    ),
  );
  const counts = (candidates: ReturnType<typeof reportOf>['patches']) =>
    [0, 1, 2].map((index) => candidates.filter((one) => one.class.index === index).length);

  test('are as many of each class, and what small ones leave is the others', () => {
    const { patches, candidates } = reportOf(images, { maxPatches: 64 });
    expect(counts(patches)).toEqual([4, 30, 30]);
    expect(candidates).toBe(4 + 36 + 180);
    expect(counts(reportOf(images, { maxPatches: 1_000 }).patches)).toEqual([4, 36, 180]);
    expect(reportOf(images, { maxPatches: 1 }).patches).toHaveLength(1);
    expect(reportOf(images, { maxPatches: 0 })).toMatchObject({ patches: [], candidates: 220 });
  });

  test('are a random sample of the images with a drop, not those of the largest', () => {
    const { patches } = reportOf(images, { maxPatches: 64 });
    const drops = patches.filter((one) => one.class.index === 2).map(({ drop }) => drop);
    expect(Math.min(...drops)).toBeGreaterThan(0);
    const mean = drops.reduce((sum, drop) => sum + drop, 0) / drops.length;
    expect(mean).toBeGreaterThan(0.3);
    expect(mean).toBeLessThan(0.7);
  });

  test('have what is needed to cut and describe them', () => {
    const [image] = images.slice(1);
    expect(reportOf(image === undefined ? [] : [image]).patches).toEqual([
      {
        id: 'img_00000001',
        name: 'photos/1.jpg',
        class: classNamed(0),
        drop: 0.2,
        score: 0.9,
        box: image?.lowest.box,
        photoBox: image?.lowest.photoBox,
        isOffObject: null,
        input: { height: 224, width: 224 },
      },
    ]);
  });

  test('are shared out evenly', () => {
    expect(shareFairly([1, 10, 10, 3], 12)).toEqual([1, 4, 4, 3]);
    expect(shareFairly([10, 10, 10], 2)).toEqual([0, 1, 1]);
    expect(shareFairly([1, 2], 12)).toEqual([1, 2]);
    expect(shareFairly([], 12)).toEqual([]);
  });
});

describe('the second pass', () => {
  const { uniform } = createRandom(4);
  const usual = Float32Array.from({ length: 256 }, (_, cell) => (cell < 128 ? 1 : 0));
  const unlike = usual.map((value) => 1 - value);
  const noisy = () => usual.map((value) => value + 0.2 * uniform());
  const images = [
    ...Array.from({ length: 40 }, (_, nth) => evidenceOf(nth, { map: noisy() })),
    evidenceOf(40, { map: unlike }),
  ];

  test('ranks images by how unlike their class they are', () => {
    const builder = openReportBuilder(options);
    for (const image of images) builder.add(image);
    for (const image of images) builder.rank(image);
    const { suspects, metrics, agreement } = builder.finish();
    expect(suspects.map(({ id }) => id)).toEqual(['img_00000040']);
    expect(metrics).toMatchObject({ suspects: 1, unstable: null });
    expect(agreement).toBeNull();
    const row = builder.rowOf(evidenceOf(40, { map: unlike }));
    expect(row).toEqual({ distance: suspects[0]?.distance, z: suspects[0]?.z, agreement: null });
    expect(row.distance).toBeGreaterThan(0.8);
  });

  test('holds maps of other jobs, or of patch sizes, against each other', () => {
    const maps = [
      { name: 'mean', job: 'job_00000000000000000000' },
      { name: 'blur', job: 'job_00000000000000000001' },
    ];
    const builder = openReportBuilder({ ...options, maps });
    for (const image of images) builder.add(image);
    for (const [nth, image] of images.entries()) {
      if (nth < 10) builder.rank(image, [nth < 4 ? unlike : image.map]);
      else builder.rank({ ...image, sizeMaps: [usual, unlike] });
    }
    const { agreement, metrics } = builder.finish();
    expect(agreement).toMatchObject({ maps, images: 10, unstable: 4 });
    expect(metrics.unstable).toBe(0.4);
    const [first = evidenceOf(0)] = images;
    expect(builder.rowOf(first, [first.map]).agreement).toBe(1);
    // Its patch sizes agree, but another job has no map of it.
    expect(builder.rowOf({ ...first, sizeMaps: [usual, usual] }).agreement).toBeNull();

    const three = [...maps, { name: 'noise 1', job: 'job_00000000000000000002' }];
    const partly = openReportBuilder({ ...options, maps: three });
    for (const image of images) partly.add(image);
    for (const image of images) partly.rank(image, [unlike]);
    expect(partly.finish().agreement).toBeNull();

    const sizes = ['32', '64'].map((name) => ({ name, job: null }));
    const ofSizes = reportOf([evidenceOf(0, { sizeMaps: [usual, unlike] })], { maps: sizes });
    expect(ofSizes.agreement).toMatchObject({ maps: sizes, images: 1, unstable: 1 });
  });
});

describe('significance', () => {
  const off = { top: 0.25, left: 0.25, bottom: 0.75, right: 0.75 };
  const area = 0.75;
  /** Images of some classes whose shares off the object and in the border differ from their areas by an excess. */
  const run = (seed: number, excess: (uniform: () => number, index: number) => number) => {
    const { uniform } = createRandom(seed);
    const sizes = [8, 12, 15, 25, 40];
    const images = sizes.flatMap((size, index) =>
      Array.from({ length: size }, (_, nth) =>
        evidenceOf(1_000 * index + nth, {
          labelClass: classNamed(index),
          box: off,
          offObjectShare: area + excess(uniform, index),
          borderShare: Math.max(0, 1 - 180 ** 2 / 224 ** 2 + excess(uniform, index)),
        }),
      ),
    );
    return reportOf(images, { seed, groupBy: 'label' });
  };

  test('is of nothing without an effect', () => {
    const found = Array.from({ length: 20 }, (_, seed) =>
      run(seed, (uniform) => Math.cbrt(uniform()) - area),
    ).filter(({ metrics }) => metrics['significant-classes'] > 0);
    expect(found.length).toBeLessThanOrEqual(1);
  });

  test('is of nothing where evidence lies on the object', () => {
    const found = Array.from({ length: 5 }, (_, seed) =>
      run(seed, (uniform) => 0.4 * (uniform() - 0.8)),
    ).filter(({ metrics }) => metrics['significant-classes'] > 0);
    expect(found).toEqual([]);
  });

  test('is of the class whose evidence lies off the object, and of no other', () => {
    const { classes, metrics } = run(1, (uniform, index) =>
      index === 3 ? 0.1 + 0.2 * (uniform() - 0.5) : 0.2 * (uniform() - 0.7),
    );
    expect(metrics['significant-classes']).toBe(1);
    const found = classes.find(({ offObject }) => offObject?.isSignificant);
    expect(found?.class).toEqual(classNamed(3));
    expect(found?.offObject).toMatchObject({ images: 25, area });
    expect(found?.offObject?.p).toBeLessThan(0.005);
    expect(found?.border?.p).toBe(1e-4);
    expect(found?.offObject?.excess.low).toBeGreaterThan(0);
    expect(found?.border?.isSignificant).toBe(true);
  });

  test('can be reached among a thousand classes', () => {
    const images = Array.from({ length: 1_000 }, (_, index) =>
      Array.from({ length: index === 7 ? 30 : 1 }, (_, nth) =>
        evidenceOf(1_000 * index + nth, {
          labelClass: classNamed(index),
          borderShare: index === 7 ? 0.9 : 0.1,
        }),
      ),
    ).flat();
    const { classes } = reportOf(images);
    expect(classes[0]?.border).toMatchObject({ isSignificant: true });
    expect(classes.filter(({ border }) => border?.isSignificant)).toHaveLength(1);
  });
});

test('classes beyond 2,000 are one group', () => {
  const images = Array.from({ length: 2_004 }, (_, index) =>
    evidenceOf(index, { labelClass: classNamed(index), predicted: classNamed(0) }),
  );
  const { classes, notes } = reportOf(images, { groupBy: 'label', maxPatches: 0 });
  expect(classes).toHaveLength(2_001);
  expect(classes[0]).toMatchObject({ class: { index: null, label: 'all others' }, images: 4 });
  expect(notes[0]).toMatch(/^There are more than 2000 classes/);
});
