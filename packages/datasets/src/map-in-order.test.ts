import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { mapInOrder } from './map-in-order.js';

async function* numbers(count: number) {
  for (let value = 0; value < count; value++) yield value;
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

test('results come in order, whichever is known at once or ends first', async () => {
  let running = 0;
  let most = 0;
  const work = (value: number): number | Promise<number> => {
    if (value % 5 === 0) return value;
    running += 1;
    most = Math.max(most, running);
    return sleep((value * 7) % 4).then(() => {
      running -= 1;
      return value;
    });
  };
  expect(await collect(mapInOrder(numbers(50), 3, work))).toEqual([...Array(50).keys()]);
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(3);
});

test('the first failure ends it', async () => {
  const seen: number[] = [];
  const work = async (value: number) => {
    seen.push(value);
    if (value === 3) throw new Error('three');
    return value;
  };
  await expect(collect(mapInOrder(numbers(100), 2, work))).rejects.toThrow('three');
  expect(seen.length).toBeLessThan(8);
});
