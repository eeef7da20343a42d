import { expect, test } from 'vitest';
import { describeRounds, readRounds, summarizeRounds } from './rounds.mjs';

const measured = {
  ...{ model: 'resnet18', images: 2, patch: 32, stride: 16, versions: { torch: '2' } },
  first: { send: 5, run: 2, fetch: 0.5 },
  again: { send: 1, run: 2, fetch: 0.25 },
  rounds: [
    { umbra: { send: 1, run: 3, fetch: 1 }, captum: 10, difference: 2e-6 },
    { umbra: { send: 2, run: 1, fetch: 1 }, captum: 12, difference: 4e-6 },
    { umbra: { send: 0.5, run: 8, fetch: 0.5 }, captum: 8, difference: 1e-6 },
  ],
};

test('the last line is read, whatever a library prints before', () => {
  const output = `a warning\n${JSON.stringify(measured)}\n`;
  expect(readRounds(output)).toEqual(measured);
});

test('an output without rounds is refused with what it was', () => {
  for (const output of ['', 'Traceback', '{"rounds": []}', '{}']) {
    expect(() => readRounds(output)).toThrow(
      `Expected a JSON object with rounds in the last line, got '${output}'`,
    );
  }
});

test('a summary has medians of whole rounds and of their parts', () => {
  const summary = summarizeRounds(measured);
  expect(summary.umbra).toEqual({ median: 5, min: 4, max: 9 });
  expect(summary.captum).toEqual({ median: 10, min: 8, max: 12 });
  expect(summary.parts).toEqual({
    send: { median: 1, min: 0.5, max: 2 },
    run: { median: 3, min: 1, max: 8 },
    fetch: { median: 1, min: 0.5, max: 1 },
  });
  expect(summary).toMatchObject({ timesCaptum: 2, largestDifference: 4e-6, images: 2 });
  expect(summary.first).toEqual(measured.first);
});

test('the text names both sides, and a difference that is too large', () => {
  const [head, parts, once, last] = describeRounds(summarizeRounds(measured));
  expect(head).toBe(
    'resnet18 32/16, 2 images: umbra_client 5.00 s (4.00 to 9.00), Captum 10.00 s (8.00 to 12.00): 2.00 times as fast',
  );
  expect(parts).toContain('run 3.00 s (1.00 to 8.00)');
  expect(once).toBe(
    "one image with the model's upload and check 7.50 s, and 3.25 s with the model there",
  );
  expect(last).toBe('largest difference 4.0e-6, within 0.00001');
  const far = { umbra: measured.first, captum: 1, difference: 2e-5 };
  const worse = describeRounds(summarizeRounds({ ...measured, rounds: [far] }));
  expect(worse.at(-1)).toBe('largest difference 2.0e-5, BEYOND 0.00001');
});
