import type { ReportMetrics } from '@umbra/shared/contracts/report';
import type { ReportDifference } from '@umbra/shared/contracts/report-difference';
import { hasCode } from '@umbra/shared/errors';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkGate, parseGate } from './gate.js';

const metrics: ReportMetrics = {
  images: 100,
  accuracy: 0.9,
  drop: 0.4,
  flipped: 0.1,
  'off-object': 0.4,
  border: null,
  'significant-classes': 2,
  'off-object-cluster': 0.95,
  unstable: 0,
  suspects: 3,
};
const report = { metrics, difference: null };
const difference: ReportDifference = {
  version: 1,
  a: 'job_aaaaaaaaaaaaaaaaaaaa',
  b: 'job_bbbbbbbbbbbbbbbbbbbb',
  metrics: {
    accuracy: { a: 0.9, b: 0.85, difference: -0.05, low: null, high: null },
    border: { a: null, b: 0.2, difference: null, low: null, high: null },
  },
  classes: [],
  onlyA: [],
  onlyB: [],
  notes: [],
};

const messageOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    expect(hasCode(error, 'invalid_input')).toBe(true);
    return (error as Error).message;
  }
  throw new Error('Expected it to be refused');
};

describe('parseGate', () => {
  test.each([
    ['off-object>0.4', { metric: 'off-object', isChange: false, operator: '>', limit: 0.4 }],
    ['accuracy <= .8', { metric: 'accuracy', isChange: false, operator: '<=', limit: 0.8 }],
    ['drop>=1e-3', { metric: 'drop', isChange: false, operator: '>=', limit: 0.001 }],
    ['accuracy.change<-0.02', { metric: 'accuracy', isChange: true, operator: '<', limit: -0.02 }],
  ])('reads %s', (text, expected) => {
    expect(parseGate(text)).toEqual([{ text, ...expected }]);
  });

  test('reads several, by commas and one by one', () => {
    const gate = parseGate(['off-object>0.4, border>0.5', 'suspects>10']);
    expect(gate.map(({ text }) => text)).toEqual(['off-object>0.4', 'border>0.5', 'suspects>10']);
  });

  test.each([
    '',
    'off-object',
    'off-object=0.4',
    'off-object>',
    '>0.4',
    'off-object>0,4',
    'drop>1>2',
    'drop>x',
  ])('refuses %j with an example', (text) => {
    expect(messageOf(() => parseGate(text))).toContain("such as 'off-object>0.4'");
  });

  test.each([
    'off_object',
    'offobject>1',
    'toString>1',
    'off-object.changed>1',
    'drop.change.change>1',
  ])('refuses %s, with the metrics that there are', (text) => {
    const wrong = text.includes('>') ? text : `${text}>1`;
    const message = messageOf(() => parseGate(wrong.replace('_', '.')));
    expect(message).toContain('images, accuracy, drop, flipped, off-object, border');
  });
});

describe('checkGate', () => {
  test.each([
    ['off-object>0.4', 0.4, false],
    ['off-object>=0.4', 0.4, true],
    ['off-object<0.4', 0.4, false],
    ['off-object<=0.4', 0.4, true],
    ['accuracy<0.95', 0.9, true],
    ['significant-classes>0', 2, true],
    ['unstable>0', 0, false],
  ])('finds of %s the value %d, and broken: %s', (text, value, isBroken) => {
    const metric = text.replace(/[<>].*/, '');
    expect(checkGate(parseGate(text), report)).toEqual([{ text, metric, value, isBroken }]);
  });

  test('takes a value that is not known as broken', () => {
    expect(checkGate(parseGate('border>0.99,suspects>5'), report)).toEqual([
      { text: 'border>0.99', metric: 'border', value: null, isBroken: true },
      { text: 'suspects>5', metric: 'suspects', value: 3, isBroken: false },
    ]);
  });

  test('judges changes against another report, and the value of the first', () => {
    const gate = parseGate('accuracy.change<-0.02,accuracy<0.8,border.change>0');
    expect(checkGate(gate, { metrics, difference })).toEqual([
      { text: 'accuracy.change<-0.02', metric: 'accuracy.change', value: -0.05, isBroken: true },
      { text: 'accuracy<0.8', metric: 'accuracy', value: 0.9, isBroken: false },
      { text: 'border.change>0', metric: 'border.change', value: null, isBroken: true },
    ]);
    expect(messageOf(() => checkGate(gate, report))).toContain("'accuracy.change<-0.02'");
  });

  test('agrees with the number line', () => {
    const number = fc.double({ min: -10, max: 10, noNaN: true });
    fc.assert(
      fc.property(number, number, (value, limit) => {
        const findings = checkGate(
          parseGate(['>', '>=', '<', '<='].map((sign) => `drop${sign}${limit}`)),
          {
            metrics: { ...metrics, drop: value },
            difference: null,
          },
        );
        expect(findings.map(({ isBroken }) => isBroken)).toEqual([
          value > limit,
          value >= limit,
          value < limit,
          value <= limit,
        ]);
      }),
    );
  });
});
