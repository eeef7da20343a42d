import { describe, expect, test } from 'vitest';
import { assertOutputKind, createOutputHead, noClass, softmaxAt } from './output-head.js';

const headOf = (output: Parameters<typeof createOutputHead>[0]['output'], width: number) =>
  createOutputHead({ name: 'some', output }, width);

describe('output head', () => {
  const logits = Float32Array.of(2, -1, 0.5, 3);
  const p = (index: number) => softmaxAt(logits, index);

  test('log-odds is ln(p / (1 - p)), from logits and from probabilities', () => {
    const probabilities = Float32Array.from(logits, (_, index) => p(index));
    for (const index of logits.keys()) {
      const expected = Math.log(p(index) / (1 - p(index)));
      expect(headOf({ kind: 'logits' }, 4).score(logits, index, 'log-odds')).toBeCloseTo(
        expected,
        10,
      );
      expect(
        headOf({ kind: 'probabilities' }, 4).score(probabilities, index, 'log-odds'),
      ).toBeCloseTo(expected, 5);
    }
  });

  test('log-odds keeps its digits where the probability has lost them, and stays finite', () => {
    const sure = Float32Array.of(200, 0, 0);
    const head = headOf({ kind: 'logits' }, 3);
    expect(head.score(sure, 0, 'probability')).toBe(1);
    expect(head.score(sure, 0, 'log-odds')).toBeCloseTo(200 - Math.log(2), 10);
    for (const kind of ['probabilities', 'independent-probabilities'] as const) {
      for (const index of [0, 1]) {
        const odds = headOf({ kind }, 2).score(Float32Array.of(1, 0), index, 'log-odds');
        expect(Number.isFinite(odds)).toBe(true);
      }
    }
  });

  test('a sigmoid of a logit that is far from 0 neither overflows nor is NaN', () => {
    const head = headOf({ kind: 'independent-logits' }, 2);
    const far = Float32Array.of(-2000, 2000);
    expect([0, 1].map((index) => head.score(far, index, 'probability'))).toEqual([0, 1]);
  });

  test('the first of equal classes is predicted', () => {
    expect(headOf({ kind: 'logits' }, 4).predict(Float32Array.of(1, 3, 3, 2))).toBe(1);
  });

  test('none of several independent classes is predicted below the threshold', () => {
    const head = headOf({ kind: 'independent-probabilities', threshold: 0.6 }, 3);
    expect(head.predict(Float32Array.of(0.1, 0.59, 0.2))).toBe(noClass);
    expect(head.predict(Float32Array.of(0.1, 0.61, 0.2))).toBe(1);
    expect(head.mayPredictNone).toBe(true);
  });

  test('the threshold decides between the two classes of a single score', () => {
    const head = headOf({ kind: 'independent-probabilities', positive: 'dog', threshold: 0.3 }, 1);
    expect(head.classes).toBe(2);
    expect([0.29, 0.31].map((value) => head.predict(Float32Array.of(value)))).toEqual([0, 1]);
    expect(head.rank(Float32Array.of(0.4), 2)).toEqual([1, 0]);
  });

  test.each([
    [{ kind: 'logits' }, 1, "describe it as 'independent-logits'"],
    [{ kind: 'probabilities' }, 1, "describe it as 'independent-probabilities'"],
    [{ kind: 'independent-logits', positive: 'dog' }, 2, "output.positive 'dog', got 2"],
  ] as const)('%j of %i numbers is refused', (output, width, message) => {
    expect(() => headOf(output, width)).toThrow(message);
  });
});

describe('assertOutputKind', () => {
  const check = (kind: Parameters<typeof headOf>[0]['kind'], ...rows: number[][]) =>
    assertOutputKind(
      { name: 'some', output: { kind } },
      rows.map((row) => Float32Array.from(row)),
    );

  test.each([
    ['logits', [0.2, 0.8], "is its output 'probabilities'?"],
    ['probabilities', [0.2, 1.8], "is its output 'logits'?"],
    ['probabilities', [0.9, 0.8], "is its output 'independent-probabilities'?"],
    ['independent-probabilities', [0.9, -3], "is its output 'independent-logits'?"],
  ] as const)('%s that are %j are refused', (kind, row, message) => {
    expect(() => check(kind, [...row], [...row])).toThrow(message);
  });

  test('numbers that fit are taken, also those of a sum that rounding moved', () => {
    expect(() => check('logits', [0.2, 0.8], [0.3, 0.9])).not.toThrow();
    expect(() => check('probabilities', [0.2, 0.795])).not.toThrow();
    expect(() => check('independent-probabilities', [0.9, 0.8], [0, 0])).not.toThrow();
    expect(() => check('independent-logits', [0.9, -3])).not.toThrow();
  });
});
