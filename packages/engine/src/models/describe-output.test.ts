import { parseBundle } from '@umbra/shared/contracts/model';
import { describe, expect, test } from 'vitest';
import type { DescribedOutput } from '../graph/scores-output.js';
import { describeOutput } from './describe-output.js';

const row = (name: string, width: number | null, kind: DescribedOutput['kind'] = null) => ({
  name,
  shape: [null, width],
  kind,
});
const describeOf = (
  outputs: readonly DescribedOutput[],
  claims: Parameters<typeof describeOutput>[1] = {},
  names: readonly string[] | null = null,
) => describeOutput({ outputs, model: 'net.onnx' }, claims, names);

describe('what the file states is read', () => {
  test.each([
    [row('out', 4, 'probabilities'), 'probabilities'],
    [row('out', 4, 'independent-probabilities'), 'independent-probabilities'],
    [row('out', null, 'logits'), 'logits'],
  ] as const)('%j is %s', (output, kind) => {
    expect(describeOf([output])).toEqual({ output: kind, labels: null, missing: [] });
  });

  test('maps and features are not taken for scores', () => {
    const map = { name: 'features', shape: [null, 64, 7, 7], kind: null };
    expect(describeOf([map, row('scores', 4, 'probabilities')])).toMatchObject({
      output: { kind: 'probabilities', name: 'scores' },
      missing: [],
    });
  });
});

describe('what the file does not state is asked for', () => {
  test('the kind of several numbers', () => {
    const { missing } = describeOf([row('out', 4)]);
    expect(missing).toEqual([expect.stringContaining('--output logits|probabilities|independent')]);
    expect(describeOf([row('out', 4)], { output: 'independent-logits' }).output).toBe(
      'independent-logits',
    );
  });

  test('the output, of several that can hold scores', () => {
    const outputs = [row('aux_logits', 5), row('logits', 5)];
    expect(describeOf(outputs, { output: 'logits' }).missing).toEqual([
      expect.stringContaining('aux_logits [N, 5], logits [N, 5]'),
    ]);
    expect(describeOf(outputs, { output: 'logits', outputName: 'logits' })).toMatchObject({
      output: { kind: 'logits', name: 'logits' },
      missing: [],
    });
    expect(() => describeOf(outputs, { outputName: 'feats' })).toThrow(
      "got 'feats'; it has aux_logits [N, 5], logits [N, 5]",
    );
  });

  test('the class that a single score speaks for', () => {
    const single = row('out', 1, 'independent-logits');
    expect(describeOf([single]).missing).toEqual([expect.stringContaining('--positive NAME')]);
    expect(describeOf([single], { positive: 'dog', threshold: 0.7 })).toEqual({
      output: { kind: 'independent-logits', positive: 'dog', threshold: 0.7 },
      labels: null,
      missing: [],
    });
  });

  test('unless a list names both of its classes, or the one', () => {
    const single = row('out', 1, 'independent-probabilities');
    expect(describeOf([single], {}, ['cat', 'dog'])).toMatchObject({
      output: { positive: 'dog', negative: 'cat' },
      labels: null,
    });
    expect(describeOf([single], {}, ['dog'])).toMatchObject({ output: { positive: 'dog' } });
    expect(() => describeOf([single], {}, ['cat', 'dog', 'cow'])).toThrow('got 3');
  });
});

test('a claim that contradicts the file is refused', () => {
  expect(() => describeOf([row('out', 4, 'probabilities')], { output: 'logits' })).toThrow(
    "Expected --output probabilities, as the last operation of 'net.onnx' states, got 'logits'",
  );
  expect(() => describeOf([row('out', 4)], { output: 'odds' })).toThrow("got 'odds'");
});

describe('a description', () => {
  const parse = (output: unknown, more: object = {}) =>
    parseBundle(
      Buffer.from(
        JSON.stringify({
          version: 1,
          name: 'net',
          format: 'onnx',
          files: [{ path: 'net.onnx', sha256: '0'.repeat(64), bytes: 1 }],
          model: 'net.onnx',
          input: {
            layout: 'NCHW',
            height: 8,
            width: 8,
            channels: 'RGB',
            scale: 1,
            mean: [0, 0, 0],
            std: [1, 1, 1],
            resize: { rule: 'squash' },
            interpolation: 'bilinear',
          },
          output,
          licence: 'none',
          source: 'none',
          ...more,
        }),
      ),
      'bundle.json',
    ).output;

  test('of the kind alone, as before outputs had names, is read', () => {
    expect(parse('logits')).toEqual({ kind: 'logits' });
  });

  test.each([
    ['odds', 'output.kind'],
    [{ kind: 'logits', positive: 'dog' }, 'output.positive: Expected kind'],
    [{ kind: 'probabilities', threshold: 0.4 }, 'output.threshold: Expected kind'],
    [{ kind: 'independent-logits', negative: 'cat' }, 'output.negative: Expected a class beside'],
    [{ kind: 'independent-logits', threshold: 1 }, 'output.threshold'],
    [7, 'output: '],
  ])('of %j is refused', (output, message) => {
    expect(() => parse(output)).toThrow(message);
  });

  test('of names both by a file and by itself is refused', () => {
    const files = ['net.onnx', 'labels.json'].map((path) => ({
      path,
      sha256: '0'.repeat(64),
      bytes: 1,
    }));
    expect(() =>
      parse({ kind: 'independent-logits', positive: 'dog' }, { files, labels: 'labels.json' }),
    ).toThrow('labels: Expected labels or output.positive');
  });
});
