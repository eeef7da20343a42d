import type { ModelBundle } from '@umbra/shared/contracts/model';
import { planFrame } from '@umbra/shared/occlusion/frame';
import type { Box, Size } from '@umbra/shared/occlusion/grid';
import { createRandom } from '@umbra/shared/random';
import { describe, expect, test } from 'vitest';
import { imageLength } from '../image/pixel-format.js';
import type { ModelInput } from '../image/preprocess.js';
import { boxElsewhere, coverBox, pasteBox } from './alter-input.js';

const contract = (
  layout: 'NCHW' | 'NHWC',
  channels: 'RGB' | 'L' = 'RGB',
): ModelBundle['input'] => ({
  layout,
  height: 3,
  width: 4,
  channels,
  scale: 1 / 255,
  mean: channels === 'L' ? [0] : [0, 0, 0],
  std: channels === 'L' ? [1] : [1, 1, 1],
  resize: { rule: 'squash' },
  interpolation: 'bilinear',
});

/** Each number is its index plus `offset`. */
function inputOf(size: Size, input: ModelBundle['input'], offset = 0): ModelInput {
  const tensor = Float32Array.from({ length: imageLength(input, size) }, (_, at) => at + offset);
  return { ...size, tensor, frame: planFrame({ ...size, resize: { rule: 'squash' } }, size) };
}
const box = (top: number, left: number, bottom: number, right: number): Box => ({
  top,
  left,
  bottom,
  right,
});
const fill = { kind: 'constant', value: -1, space: 'normalized' } as const;
const small = { height: 3, width: 4 };

describe('coverBox', () => {
  test('writes the fill into the box of every channel, and leaves the given input', () => {
    const input = contract('NCHW');
    const image = inputOf(small, input);
    const covered = coverBox(image, box(1, 2, 3, 4), fill, { input });
    const plane = (start: number) =>
      [0, 1, 2, 3, 4, 5, -1, -1, 8, 9, -1, -1].map((value) => (value < 0 ? -1 : value + start));
    expect([...covered.tensor]).toEqual([...plane(0), ...plane(12), ...plane(24)]);
    expect(image.tensor).toEqual(inputOf(small, input).tensor);
  });

  test('takes the mean of the whole input, not of the box', () => {
    const input = contract('NHWC', 'L');
    const covered = coverBox(inputOf(small, input), box(0, 0, 1, 2), { kind: 'mean' }, { input });
    expect([...covered.tensor]).toEqual([5.5, 5.5, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  test.each([box(0, 0, 4, 1), box(0, -1, 1, 1), box(1, 1, 1, 2), box(0, 0.5, 1, 2)])(
    'refuses a box outside: %j',
    (outside) => {
      const input = contract('NHWC', 'L');
      const cover = () => coverBox(inputOf(small, input), outside, fill, { input });
      expect(cover).toThrow(/Expected a box of whole px inside the input, 3 x 4 px/);
    },
  );
});

describe('pasteBox', () => {
  test.each(['NCHW', 'NHWC'] as const)('%s: puts the same place of another input in', (layout) => {
    const input = contract(layout);
    const image = inputOf(small, input);
    const source = { image: inputOf(small, input, 100), box: box(0, 1, 2, 3) };
    const pasted = pasteBox(image, source.box, source, { input });
    for (const [at, value] of pasted.tensor.entries()) {
      const pixel = layout === 'NCHW' ? at % 12 : Math.floor(at / 3);
      const isInside = [1, 2, 5, 6].includes(pixel);
      expect(value).toBe(isInside ? at + 100 : at);
    }
  });

  test('takes a part from another place of an input of another extent', () => {
    const input = contract('NHWC', 'L');
    const large = { height: 5, width: 6 };
    const source = { image: inputOf(large, input, 100), box: box(3, 2, 5, 4) };
    const pasted = pasteBox(inputOf(small, input), box(0, 0, 2, 2), source, { input });
    expect([...pasted.tensor]).toEqual([120, 121, 2, 3, 126, 127, 6, 7, 8, 9, 10, 11]);
  });

  test('refuses parts of another extent', () => {
    const input = contract('NHWC', 'L');
    const image = inputOf(small, input);
    const paste = () =>
      pasteBox(image, box(0, 0, 2, 2), { image, box: box(0, 0, 1, 2) }, { input });
    expect(paste).toThrow(
      'Expected a part of 2 x 2 px (height x width), as large as its place, got 1 x 2 px',
    );
  });
});

describe('boxElsewhere', () => {
  const overlaps = (a: Box, b: Box) =>
    a.top < b.bottom && b.top < a.bottom && a.left < b.right && b.left < a.right;
  const places = (size: Size, given: Box, draws: number) => {
    const random = createRandom(1);
    const counts = new Map<string, number>();
    for (let draw = 0; draw < draws; draw++) {
      const found = boxElsewhere(size, given, random);
      if (found === null) throw new Error('Expected a box');
      expect(overlaps(found, given)).toBe(false);
      expect([found.bottom - found.top, found.right - found.left]).toEqual([2, 3]);
      expect(found.bottom <= size.height && found.right <= size.width).toBe(true);
      const key = `${found.top},${found.left}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return counts;
  };

  test.each([box(2, 3, 4, 6), box(0, 0, 2, 3), box(5, 6, 7, 9)])(
    'finds every place beside %j equally often',
    (given) => {
      const size = { height: 7, width: 9 };
      let free = 0;
      for (let top = 0; top <= 5; top++) {
        for (let left = 0; left <= 6; left++) {
          if (!overlaps(box(top, left, top + 2, left + 3), given)) free += 1;
        }
      }
      const counts = places(size, given, 200 * free);
      expect(counts.size).toBe(free);
      // Five standard deviations of a count of 200.
      for (const count of counts.values()) expect(Math.abs(count - 200)).toBeLessThan(71);
    },
  );

  test('there is none where the box leaves no room', () => {
    expect(boxElsewhere({ height: 3, width: 5 }, box(1, 1, 3, 4), createRandom(1))).toBeNull();
    expect(boxElsewhere({ height: 3, width: 5 }, box(0, 0, 3, 5), createRandom(1))).toBeNull();
  });

  test('the only place is found', () => {
    const found = boxElsewhere({ height: 2, width: 4 }, box(0, 0, 2, 2), createRandom(5));
    expect(found).toEqual(box(0, 2, 2, 4));
  });
});
