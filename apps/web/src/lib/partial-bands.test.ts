import { expect, test } from 'vitest';
import { withBand, withBandsOf } from './partial-bands.js';

const begun = {
  image: 'img_00000000',
  rows: 4,
  grids: [{ patch: { height: 8, width: 8 }, rows: 4, columns: 2 }],
  predicted: null,
  targets: [],
  bands: [],
};
const predicted = { index: 1, label: 'cat', probability: 0.5 };
const targets = [{ index: 1, label: 'cat', score: 0.5 }];
const bandOf = (rowStart: number, rowEnd: number) => ({
  image: 'img_00000000',
  ...{ rowStart, rowEnd },
  values: { predicted, targets, scores: `s${rowStart}`, predictedClasses: `c${rowStart}` },
});
const rowsOf = ({ bands }: { readonly bands: readonly { readonly rowStart: number }[] }) =>
  bands.map(({ rowStart }) => rowStart);

test('bands are added in their order, once each, with what the first of them tells', () => {
  const known = [bandOf(2, 4), bandOf(0, 2), bandOf(2, 4)].reduce(withBand, begun);
  expect(known).toMatchObject({ predicted, targets, rows: 4 });
  expect(known.bands).toEqual([
    { rowStart: 0, rowEnd: 2, scores: 's0', predictedClasses: 'c0' },
    { rowStart: 2, rowEnd: 4, scores: 's2', predictedClasses: 'c2' },
  ]);
});

test('a band without values adds none', () => {
  expect(withBand(begun, { ...bandOf(0, 2), values: null })).toBe(begun);
});

test('an answer that is older than what was told takes nothing away', () => {
  const before = [bandOf(0, 1), bandOf(1, 2)].reduce(withBand, begun);
  const answer = withBand(begun, bandOf(1, 4));
  expect(rowsOf(withBandsOf(answer, before))).toEqual([0, 1]);
  expect(withBandsOf(begun, before)).toMatchObject({ predicted, targets });
  expect(withBandsOf(before, answer).bands).toHaveLength(3);
});
