import type { ModelBundle } from '@umbra/shared/contracts/model';
import { planFrame } from '@umbra/shared/occlusion/frame';
import type { Box } from '@umbra/shared/occlusion/grid';
import { describe, expect, test } from 'vitest';
import { shareTensor } from '../image/shared-image.js';
import { copyRanks } from './copy.js';
import type { WholeModel } from './evaluate.js';
import { area, hitsBox, measureFaithfulness, rankPixels } from './faithfulness.js';
import { createOutputHead } from './output-head.js';

const size = { height: 4, width: 5 };
const pixels = 20;

test('ranks go from the largest attribution down, equals in reading order', () => {
  const ranks = new Int32Array(rankPixels(Float32Array.of(0, 2, -1, 2, 5)));
  expect([...ranks]).toEqual([3, 1, 4, 2, 0]);
});

test('area is by trapezoids over [0, 1]', () => {
  expect(area(Float64Array.of(1, 0))).toBe(0.5);
  expect(area(Float64Array.of(1, 1, 0))).toBe(0.75);
  expect(area(Float64Array.of(0.4, 0.4, 0.4, 0.4))).toBeCloseTo(0.4, 12);
});

test.each(['NCHW', 'NHWC'] as const)('%s: pixels of a range of ranks are replaced', (layout) => {
  const image = new Float32Array(3 * pixels);
  const source = new Float32Array(3 * pixels).fill(1);
  const ranks = Int32Array.from({ length: pixels }, (_, at) => (at * 7) % pixels);
  copyRanks(image, source, { ranks, layout, channels: 'RGB' }, { from: 3, to: 8 });
  const replaced = (at: number) =>
    [0, 1, 2].map((channel) => image[layout === 'NCHW' ? channel * pixels + at : 3 * at + channel]);
  for (const [at, rank] of ranks.entries()) {
    const value = rank >= 3 && rank < 8 ? 1 : 0;
    expect(replaced(at)).toEqual([value, value, value]);
  }
});

describe('a model that looks at one corner', () => {
  /** The probability of yes is the share of the four corner pixels that are original (1, where filled is 0). */
  const corner = [0, 1, 5, 6];
  const threads: WholeModel['threads'] = {
    inferenceThreads: 1,
    run(batch) {
      if (!('ranks' in batch)) throw new Error('Expected ranks');
      const outputs = batch.ranges.flatMap((range) => {
        const image = new Float32Array(batch.original).slice();
        const filled = new Float32Array(batch.filled);
        const ranks = new Int32Array(batch.ranks);
        copyRanks(image, filled, { ranks, layout: 'NCHW', channels: 'RGB' }, range);
        const yes = corner.reduce((sum, at) => sum + (image[at] ?? 0), 0) / corner.length;
        return [1 - yes, yes];
      });
      return Promise.resolve(Float32Array.from(outputs));
    },
  };
  const bundle = { name: 'corner', output: { kind: 'probabilities' } } as ModelBundle;
  const head = createOutputHead(bundle, 2);
  const model: WholeModel = { threads, bundle, head, batchBytes: 1 };
  const image = {
    original: shareTensor(new Float32Array(3 * pixels).fill(1)),
    filled: shareTensor(new Float32Array(3 * pixels)),
    size,
  };
  const frame = planFrame({ ...size, resize: { rule: 'squash' } }, { height: 40, width: 50 });
  const measure = async (attribution: Float32Array, box?: Box) => {
    const [one] = await measureFaithfulness(model, image, {
      attributions: [attribution],
      targets: [1],
      steps: 5,
      frame,
      box,
    });
    return one;
  };
  const right = new Float32Array(pixels);
  for (const at of corner) right[at] = 1;
  const wrong = right.map((value) => -value);

  test('the right attribution deletes it at once and inserts it at once', async () => {
    // Four of twenty pixels are the first of five steps: the curves are 1, 0, 0, 0, 0, 0 and 0, 1, ...
    const found = await measure(right);
    expect(found?.deletion).toBeCloseTo(0.1, 9);
    expect(found?.insertion).toBeCloseTo(0.9, 9);
    expect(found?.pointingGame).toBeNull();
  });

  test('the opposite does so last', async () => {
    const found = await measure(wrong);
    expect(found?.deletion).toBeCloseTo(0.9, 9);
    expect(found?.insertion).toBeCloseTo(0.1, 9);
  });

  test('the pointing game is played in the photo', async () => {
    const there = { top: 0, left: 0, bottom: 20, right: 20 };
    const elsewhere = { top: 20, left: 20, bottom: 40, right: 50 };
    expect((await measure(right, there))?.pointingGame).toBe(true);
    expect((await measure(right, elsewhere))?.pointingGame).toBe(false);
  });
});

test('a box of the photo meets the input through resize and crop', () => {
  // 100 x 200 px to 10 x 20, of which columns 5 to 15 are the input: it starts at x = 50.
  const frame = planFrame(
    { height: 10, width: 10, resize: { rule: 'crop', shorterSide: 10 } },
    { height: 100, width: 200 },
  );
  const attribution = new Float32Array(100);
  attribution[3 * 10 + 2] = 1;
  const hits = (box: Box) => hitsBox(attribution, { size: { height: 10, width: 10 }, frame }, box);
  expect(hits({ top: 30, left: 70, bottom: 40, right: 80 })).toBe(true);
  expect(hits({ top: 30, left: 20, bottom: 40, right: 30 })).toBe(false);
  expect(hits({ top: 40, left: 70, bottom: 50, right: 80 })).toBe(false);
});
