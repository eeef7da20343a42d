import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { mapAhead } from './map-ahead.js';

async function* numbers(count: number, onEnd = () => {}) {
  try {
    for (let number = 0; number < count; number++) yield number;
  } finally {
    onEnd();
  }
}

test('results come in order, however long each takes', async () => {
  const seen = [];
  const map = async (number: number) => {
    await sleep((number * 7) % 5);
    return number;
  };
  for await (const number of mapAhead(numbers(40), { items: 8 }, map)) seen.push(number);
  expect(seen).toEqual([...Array(40).keys()]);
});

test('no more is begun than may be held, by number and by weight', async () => {
  let begun = 0;
  let taken = 0;
  let maxAhead = 0;
  const map = async (number: number) => {
    begun += 1;
    maxAhead = Math.max(maxAhead, begun - taken);
    return number;
  };
  for await (const _ of mapAhead(numbers(30), { items: 4 }, map)) taken += 1;
  expect(maxAhead).toBeLessThanOrEqual(5);
  [begun, taken, maxAhead] = [0, 0, 0];
  const heavy = { items: 20, weight: 10, weigh: () => 10 };
  for await (const _ of mapAhead(numbers(60), heavy, map)) {
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
  const map = async (number: number) => {
    if (number === 3) throw new Error('three');
    return number;
  };
  const seen: number[] = [];
  await expect(async () => {
    for await (const number of mapAhead(source, { items: 4 }, map)) seen.push(number);
  }).rejects.toThrow('three');
  expect(seen).toEqual([0, 1, 2]);
  expect(isClosed).toBe(true);
});
