import { planShards } from '@umbra/shared/occlusion/shards';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseRowsPerShard } from './rows-per-shard.js';

const unmeasured = { positionsPerRow: 13, secondsPerPosition: null, targetSeconds: 5 };

describe('chooseRowsPerShard', () => {
  test.each([
    { rows: 13, images: 1000, inferenceThreads: 8, expected: 13 },
    { rows: 13, images: 16, inferenceThreads: 8, expected: 13 },
    { rows: 13, images: 15, inferenceThreads: 8, expected: 7 },
    { rows: 13, images: 1, inferenceThreads: 2, expected: 4 },
    { rows: 13, images: 1, inferenceThreads: 100, expected: 1 },
    { rows: 1, images: 1, inferenceThreads: 1, expected: 1 },
    { rows: 13, images: 0, inferenceThreads: 0, expected: 7 },
  ])(
    'gives $expected of $rows rows with $images images left and $inferenceThreads inference threads',
    ({ expected, ...given }) => {
      expect(chooseRowsPerShard({ ...unmeasured, ...given })).toBe(expected);
    },
  );

  test.each([
    { what: 'the whole image where it fits', secondsPerPosition: 0.02, expected: 13 },
    { what: 'bands where it does not', secondsPerPosition: 0.05, expected: 7 },
    { what: 'a row where one takes as long as the target', secondsPerPosition: 0.38, expected: 1 },
    { what: 'a row where even that is too long', secondsPerPosition: 9, expected: 1 },
  ])(
    'fits the target time by the measured throughput: $what',
    ({ secondsPerPosition, expected }) => {
      const given = { rows: 13, images: 1000, inferenceThreads: 2 };
      expect(chooseRowsPerShard({ ...unmeasured, ...given, secondsPerPosition })).toBe(expected);
    },
  );

  const count = fc.integer({ min: 1, max: 500 });
  const seconds = fc.double({ min: 1e-6, max: 100, noNaN: true });

  test('gives a valid size, and no more shards than wanted or than there are rows', () => {
    fc.assert(
      fc.property(count, count, count, (rows, images, inferenceThreads) => {
        const rowsPerShard = chooseRowsPerShard({ ...unmeasured, rows, images, inferenceThreads });
        const shards = planShards(rows, rowsPerShard).length;
        expect(shards).toBeLessThanOrEqual(Math.ceil((2 * inferenceThreads) / images));
        expect(shards).toBeLessThanOrEqual(rows);
      }),
    );
  });

  test('gives at most the target time, or one row', () => {
    fc.assert(
      fc.property(
        fc.record({
          rows: count,
          positionsPerRow: count,
          images: count,
          inferenceThreads: count,
          secondsPerPosition: seconds,
          targetSeconds: seconds,
        }),
        (sizing) => {
          const rows = chooseRowsPerShard(sizing);
          expect(rows).toBeGreaterThanOrEqual(1);
          expect(rows).toBeLessThanOrEqual(sizing.rows);
          const took = rows * sizing.positionsPerRow * sizing.secondsPerPosition;
          if (rows > 1) expect(took).toBeLessThanOrEqual(sizing.targetSeconds * (1 + 1e-9));
        },
      ),
    );
  });

  test('never grows with the time a position takes, nor with the inference threads', () => {
    fc.assert(
      fc.property(
        count,
        count,
        count,
        seconds,
        seconds,
        (rows, images, inferenceThreads, throughput, more) => {
          const base = {
            ...unmeasured,
            rows,
            images,
            inferenceThreads,
            secondsPerPosition: throughput,
          };
          const slower = chooseRowsPerShard({ ...base, secondsPerPosition: throughput + more });
          const wider = chooseRowsPerShard({ ...base, inferenceThreads: inferenceThreads * 2 });
          const size = chooseRowsPerShard(base);
          expect(slower).toBeLessThanOrEqual(size);
          expect(wider).toBeLessThanOrEqual(size);
        },
      ),
    );
  });
});
