import { expect, test } from 'vitest';
import { parseClaims } from './models.js';

test('claims are read from texts, and none is made up', () => {
  expect(
    parseClaims({
      input: '32x48',
      scale: '1/255',
      mean: '0.5,0,-1',
      std: '1,2,3',
      threshold: '0.25',
      resize: 'crop:40',
    }),
  ).toEqual({
    size: { height: 32, width: 48 },
    scale: 1 / 255,
    mean: [0.5, 0, -1],
    std: [1, 2, 3],
    threshold: 0.25,
    resize: { rule: 'crop', shorterSide: 40 },
  });
  expect(parseClaims({ resize: 'squash' }).resize).toEqual({ rule: 'squash' });
  expect(Object.values(parseClaims({}))).toEqual(Array(6).fill(undefined));
});

test.each([
  ['input', '224', 'HEIGHTxWIDTH'],
  ['scale', 'abc', 'a number or a fraction as 1/255'],
  ['scale', '1/0', 'a number or a fraction as 1/255'],
  ['scale', '1/2/3', 'a number or a fraction as 1/255'],
  ['mean', '0.5,,0.5', 'numbers as 0.5,0.5,0.5'],
  ['std', 'one', 'numbers as 0.5,0.5,0.5'],
  ['threshold', '1.5', 'a probability between 0 and 1'],
  ['threshold', '', 'a probability between 0 and 1'],
  ['resize', 'stretch', 'crop:PX, fit:PX or squash'],
  ['resize', 'crop:big', 'crop:PX, fit:PX or squash'],
])('--%s %s is refused with what it must be', (flag, text, wanted) => {
  expect(() => parseClaims({ [flag]: text })).toThrowError(
    `Expected --${flag} to be ${wanted}, got '${text}'`,
  );
});
