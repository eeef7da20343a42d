import { planShards } from '@umbra/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseRowsPerShard } from './rows-per-shard.js';

describe('rows per shard', () => {
  test.each([
    { rows: 13, images: 1000, lanes: 8, expected: 13 },
    { rows: 13, images: 16, lanes: 8, expected: 13 },
    { rows: 13, images: 15, lanes: 8, expected: 7 },
    { rows: 13, images: 1, lanes: 2, expected: 4 },
    { rows: 13, images: 1, lanes: 100, expected: 1 },
    { rows: 1, images: 1, lanes: 1, expected: 1 },
    { rows: 13, images: 0, lanes: 0, expected: 7 },
  ])('$rows rows, $images images, $lanes lanes: $expected', ({ expected, ...given }) => {
    expect(chooseRowsPerShard(given.rows, given.images, given.lanes)).toBe(expected);
  });

  test('is a valid size, and makes no more shards than wanted or than there are rows', () => {
    const count = fc.integer({ min: 1, max: 500 });
    fc.assert(
      fc.property(count, count, count, (rows, images, lanes) => {
        const shards = planShards(rows, chooseRowsPerShard(rows, images, lanes)).length;
        expect(shards).toBeLessThanOrEqual(Math.ceil((2 * lanes) / images));
        expect(shards).toBeLessThanOrEqual(rows);
      }),
    );
  });
});
