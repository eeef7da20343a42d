import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { mapInOrder } from './concurrency.js';

async function* numbers(count: number, onEnd = () => {}) {
  try {
    for (let value = 0; value < count; value++) yield value;
  } finally {
    onEnd();
  }
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
  expect(await collect(mapInOrder(numbers(50), { atOnce: 3 }, work))).toEqual([
    ...Array(50).keys(),
  ]);
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
  await expect(collect(mapInOrder(numbers(100), { atOnce: 2 }, work))).rejects.toThrow('three');
  expect(seen.length).toBeLessThan(8);
});

test('no more is begun than may be held, by number and by weight', async () => {
  let begun = 0;
  let taken = 0;
  let maxAhead = 0;
  const work = async (number: number) => {
    begun += 1;
    maxAhead = Math.max(maxAhead, begun - taken);
    return number;
  };
  for await (const _ of mapInOrder(numbers(30), { atOnce: 4 }, work)) taken += 1;
  expect(maxAhead).toBeLessThanOrEqual(5);
  [begun, taken, maxAhead] = [0, 0, 0];
  const heavy = { atOnce: 20, maxWeight: 10, weigh: () => 10 };
  for await (const _ of mapInOrder(numbers(60), heavy, work)) {
    taken += 1;
    await sleep(1);
  }
  expect(begun).toBe(60);
});

test('a failure is thrown in its turn, and the source is closed', async () => {
  let isClosed = false;
  const source = numbers(10, () => {
    isClosed = true;
  });
  const work = async (number: number) => {
    if (number === 3) throw new Error('three');
    return number;
  };
  const seen: number[] = [];
  await expect(async () => {
    for await (const number of mapInOrder(source, { atOnce: 4 }, work)) seen.push(number);
  }).rejects.toThrow('three');
  expect(seen).toEqual([0, 1, 2]);
  expect(isClosed).toBe(true);
});
