import { expect, test } from 'vitest';
import { alignColumns, formatTable, type Summary } from './summary.js';

test('a line break in a name breaks no table', () => {
  const table = alignColumns([
    ['photo', 'class'],
    ['a\nb', 'cat'],
  ]);
  expect(table.split('\n')).toEqual(['photo  class', '-----  -----', 'a\\nb   cat']);
});

const inputBox = { top: 0, left: 0, bottom: 8, right: 8 };
const target = {
  target: 'cat',
  baseline: 4.25,
  lowest: { score: -1.5, grid: 0, row: 0, column: 0, box: inputBox },
  where: { top: 10, left: 20, bottom: 30, right: 40 },
  faithfulness: null,
  heatmap: '/heatmap.png',
  overlay: '/overlay.png',
};
const summary: Summary = {
  ...target,
  name: 'photo.png',
  predicted: 'cat',
  probability: 0.98,
  score: 'log-odds',
  approximate: false,
  targets: [target],
};

test('scores are in the unit that was asked for, and places in px of the photo', () => {
  const [header, , row] = formatTable([summary]).split('\n');
  expect(header).toBe(
    'photo      predicted class  log-odds  lowest when covered  where (px of the photo)',
  );
  expect(row).toBe('photo.png  cat              4.250     -1.500               x 20-40, y 10-30');
});

test('places are in px of the input where nothing says how the photo became it, and said to be', () => {
  const unknown = { ...target, where: null };
  const table = formatTable([{ ...summary, ...unknown, targets: [unknown] }]);
  expect(table).toContain("where (px of the model's input)");
  expect(table).toContain('x 0-8, y 0-8');
});

test('a table shows fifty photos, and how many more there are', () => {
  const table = formatTable(Array.from({ length: 60 }, () => summary)).split('\n');
  expect(table).toHaveLength(2 + 50 + 1);
  expect(table.at(-1)).toBe('... and 10 more');
});
