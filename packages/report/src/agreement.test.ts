import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agreementOf, createAgreementRanking } from './agreement.js';

const a = Float32Array.of(0.1, 0.5, 0.5, 0.2, 0, 0.9, 0.3, 0.3, 0.3);
const b = Float32Array.of(0.2, 0.4, 0.1, 0.1, 0, 0.7, 0.3, 0.9, 0.35);
const c = Float32Array.of(0.3, 0.1, 0.2, 0.25, 0.7, 0, 0.1, 0.5, 0.15);

describe('agreementOf', () => {
  test('equals scipy, with equal values', () => {
    // stats.spearmanr of scipy 1.17.1: a and b 0.594..., a and c -0.790..., b and c -0.445...
    expect(agreementOf([a, b])).toBeCloseTo(0.5941039005489058, 12);
    expect(agreementOf([b, c])).toBeCloseTo(-0.4453781512605043, 12);
    expect(agreementOf([a, b, c])).toBeCloseTo(-0.7907138244715654, 12);
  });

  test('leaves out cells that one map lacks', () => {
    const more = (map: Float32Array, ...cells: number[]) => Float32Array.of(...map, ...cells);
    const first = more(a, Number.NaN, 5, Number.NaN);
    const second = more(b, 9, Number.NaN, Number.NaN);
    expect(agreementOf([first, second])).toBeCloseTo(0.5941039005489058, 12);
  });

  test('is not known of one map, of one that is the same everywhere, and of two cells', () => {
    expect(agreementOf([])).toBeNull();
    expect(agreementOf([a])).toBeNull();
    expect(agreementOf([a, new Float32Array(9).fill(0.2)])).toBeNull();
    expect(agreementOf([Float32Array.of(1, 2, Number.NaN), a.slice(0, 3)])).toBeNull();
  });

  test('depends on the order of values alone', () => {
    const map = fc.float32Array({ minLength: 9, maxLength: 9, min: -8, max: 8, noNaN: true });
    fc.assert(
      fc.property(map, map, (first, second) => {
        const agreement = agreementOf([first, second]);
        expect(agreementOf([second, first])).toBe(agreement);
        if (agreement === null) return;
        expect(Math.abs(agreement)).toBeLessThanOrEqual(1);
        expect(agreementOf([first, first])).toBeCloseTo(1, 12);
        expect(agreementOf([first, second.map((value) => -value)])).toBeCloseTo(-agreement, 12);
      }),
    );
  });
});

describe('createAgreementRanking', () => {
  const maps = [{ name: '32x32', job: null }];
  const image = (index: number) => ({ id: `img_${index}`, name: `${index}.png` });

  test('has nothing where no agreement is known', () => {
    const ranking = createAgreementRanking(maps);
    ranking.add(image(0), null);
    expect(ranking.finish()).toBeNull();
  });

  test('has the mean with its interval, and the least agreeing images', () => {
    const ranking = createAgreementRanking(maps);
    const values = Array.from({ length: 16 }, (_, index) => (19 - index) / 20);
    for (const [index, value] of [...values, null].entries()) ranking.add(image(index), value);
    const found = ranking.finish();
    expect(found).toMatchObject({ maps, images: 16, threshold: 0.5, unstable: 6 });
    // scipy 1.17.1: stats.t.interval(0.95, 15, mean, std(ddof=1) / 4).
    expect(found?.mean.mean).toBeCloseTo(0.575, 12);
    expect(found?.mean.low).toBeCloseTo(0.44815338017778905, 4);
    expect(found?.mean.high).toBeCloseTo(0.7018466198222111, 4);
    expect(found?.worst.slice(0, 2)).toEqual([
      { ...image(15), agreement: expect.closeTo(0.2, 12) },
      { ...image(14), agreement: expect.closeTo(0.25, 12) },
    ]);
  });

  test('counts images by tenths, of which each has its lower end and the last 1 as well', () => {
    const ranking = createAgreementRanking(maps);
    const below = 0.5 - 2 ** -54;
    const values = [-1, -0.95, -0.9, -0.1, -1e-9, 0, below, 0.5, 0.6, 0.7, 0.9, 1];
    for (const [index, value] of values.entries()) ranking.add(image(index), value);
    const found = ranking.finish();
    const counts = [...(found?.histogram.entries() ?? [])].filter(([, images]) => images > 0);
    expect(counts).toEqual([
      ...[
        [0, 2],
        [1, 1],
        [9, 2],
        [10, 1],
      ],
      ...[
        [14, 1],
        [15, 1],
        [16, 1],
        [17, 1],
        [19, 2],
      ],
    ]);
    expect(found?.histogram).toHaveLength(20);
    // The threshold is the end of a bin, so that bins below it have all unstable images.
    expect(found?.histogram.slice(0, 15).reduce((sum, images) => sum + images)).toBe(
      found?.unstable,
    );
  });

  test('says nothing of where a mean of one image lies', () => {
    const ranking = createAgreementRanking(maps);
    ranking.add(image(0), 0.7);
    expect(ranking.finish()?.mean).toEqual({ mean: 0.7, low: -1, high: 1 });
  });

  test('keeps the 200 least agreeing of many', () => {
    const ranking = createAgreementRanking(maps);
    for (let index = 0; index < 5_000; index += 1) {
      ranking.add(image(index), ((index * 7_919) % 5_000) / 5_000);
    }
    const found = ranking.finish();
    expect(found?.unstable).toBe(2_500);
    expect(found?.worst.map(({ agreement }) => agreement)).toEqual(
      Array.from({ length: 200 }, (_, index) => index / 5_000),
    );
  });
});
