import { expect, test } from 'vitest';
import { createFlipGraph } from './flips.js';
import { evidenceOf } from './testing/evidence.js';

const heron = { index: 0, label: 'heron' };
const crane = { index: 1, label: 'crane' };
const boxAt = (top: number) => ({ top, left: 0, bottom: top + 32, right: 32 });
const flipTo = (to: typeof crane | null, drop: number, positions = 1) => ({
  to,
  positions,
  drop,
  box: boxAt(Math.round(100 * drop)),
});

const images = [
  ...Array.from({ length: 8 }, (_, nth) =>
    evidenceOf(nth, { predicted: heron, flips: [flipTo(crane, 0.1 * (nth % 4), 2)] }),
  ),
  evidenceOf(8, { predicted: heron, flips: [flipTo(null, 0.7), flipTo(crane, 0.9, 5)] }),
  evidenceOf(9, { predicted: heron }),
  evidenceOf(10, { predicted: crane, flips: [flipTo(heron, 0.2)] }),
  evidenceOf(11, { predicted: { ...crane, aboveThreshold: false }, flips: [flipTo(heron, 0.5)] }),
];

function graphOf(order: readonly (typeof images)[number][]) {
  const graph = createFlipGraph();
  for (const image of order) graph.count(image);
  for (const image of order) graph.exemplify(image);
  return graph.finish();
}

test('edges lead from the predicted class to what wins, the most images first', () => {
  const { flips, isPruned } = graphOf(images);
  expect(isPruned).toBe(false);
  expect(flips.map(({ examples: _, ...edge }) => edge)).toEqual([
    { from: heron, to: crane, images: 9, positions: 21, share: 0.9 },
    { from: heron, to: null, images: 1, positions: 1, share: 0.1 },
    { from: crane, to: heron, images: 1, positions: 1, share: 1 },
  ]);
});

test('examples are those of the largest drops, in whatever order images come', () => {
  const [edge] = graphOf(images).flips;
  expect(edge?.examples.map(({ id }) => Number(id.slice(4)))).toEqual([8, 3, 7, 2, 6, 1]);
  expect(edge?.examples[0]).toEqual({ id: 'img_00000008', name: 'photos/8.jpg', box: boxAt(90) });
  expect(graphOf(images.toReversed())).toEqual(graphOf(images));
});

test('where no class is predicted, no decision changes', () => {
  expect(graphOf(images.slice(-1))).toEqual({ flips: [], isPruned: false });
});

test('edges beyond what is counted leave out those of the fewest images', () => {
  const graph = createFlipGraph();
  const named = (index: number) => ({ index, label: `class ${index}` });
  const common = evidenceOf(0, { predicted: heron, flips: [flipTo(crane, 0.5)] });
  graph.count(common);
  graph.count(common);
  for (let nth = 0; nth <= 200; nth++) {
    const flips = Array.from({ length: 1_000 }, (_, to) => flipTo(named(10 + to), 0.1));
    graph.count(evidenceOf(nth, { predicted: named(2_000 + nth), flips }));
  }
  const { flips, isPruned } = graph.finish();
  expect(isPruned).toBe(true);
  expect(flips).toHaveLength(500);
  expect(flips[0]).toMatchObject({ from: heron, to: crane, images: 2, share: 1 });
});
