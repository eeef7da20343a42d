import { describe, expect, test } from 'vitest';
import { createClassFinder, findDoubledNames, isRight } from './class-names.js';

describe('a class is found', () => {
  const find = createClassFinder([
    'Cardigan',
    'cardigan',
    'Ox',
    '3',
    'n02012849 crane',
    'n03126707 crane',
    'caf\u00e9',
    'maillot',
    'maillot',
  ]);

  test.each([
    ['Cardigan', 0, 'its exact name'],
    ['cardigan', 1, 'its exact name, though another differs in case alone'],
    ['OX', 2, 'its name in other case'],
    ['3', 3, 'its name, though it is a number'],
    ['2', 2, 'digits that are no name: an index'],
    [3, 3, 'a number: an index'],
    ['n02012849', 4, 'its WordNet id'],
    ['N03126707', 5, 'its WordNet id in other case'],
    ['n03126707 crane', 5, 'id and name'],
    ['CAF\u00c9', 6, 'its name with an accent in other case'],
  ])('%j is class %i: %s', (label, index, _) => {
    expect(find(label)).toBe(index);
  });

  test.each([
    ['CARDIGAN', "got 'CARDIGAN', which 0 'Cardigan' and 1 'cardigan' are: give the index"],
    ['crane', "which 4 'n02012849 crane' and 5 'n03126707 crane' are"],
    ['maillot', "which 7 'maillot' and 8 'maillot' are"],
    ['9', 'Expected target.index to be below 9, got 9'],
    [9, 'Expected target.index to be below 9, got 9'],
    ['card', "Expected target.name to be a class of the model, got 'card'; did you mean Cardigan"],
    ['n99999999', "to be a class of the model, got 'n99999999'"],
    ['', "to be a class of the model, got ''"],
  ])('%j is refused: %s', (label, message) => {
    expect(() => find(label)).toThrow(message);
  });

  test('a model without names has numbers alone', () => {
    const findNumber = createClassFinder(undefined);
    expect([findNumber('7'), findNumber(7), findNumber('class 7')]).toEqual([7, 7, 7]);
    expect(() => findNumber('cat', 'the label')).toThrow(
      "Expected the label to be an index, since the model has no class names, got 'cat'",
    );
  });
});

test('names of several classes are told, with or without ids', () => {
  const doubled = findDoubledNames(['crane', 'cat', 'crane', 'n02012849 ox', 'n03126707 ox']);
  expect([...doubled]).toEqual([
    ['crane', [0, 2]],
    ['ox', [3, 4]],
  ]);
});

test.each([
  ['tabby', true, 'names it'],
  ['TABBY', true, 'names it in other case'],
  [1, true, 'is its index'],
  ['dog', false, 'names another class'],
  ['house', null, 'names no class'],
  ['twin', null, 'names several classes'],
  [undefined, null, 'is not there'],
])('an image is right (%j: %j) where its label %s', (label, expected, _) => {
  const predicted = { index: 1, label: 'tabby', probability: 0.8 };
  const names = ['dog', 'tabby', 'twin', 'twin'];
  expect(isRight(label, predicted, names)).toBe(expected);
  const none = { ...predicted, aboveThreshold: false };
  expect(isRight(label, none, names)).toBe(expected === null ? null : false);
});

test('of a model without class names, labels are indices', () => {
  const predicted = { index: 7, label: 'class 7', probability: 1 };
  expect(isRight('class 7', predicted, [])).toBe(true);
  expect(isRight('6', predicted, [])).toBe(false);
  expect(isRight('cat', predicted, [])).toBeNull();
});
