import { createTurns } from '@umbra/shared/turns';
import { expect, test } from 'vitest';
import { holdImage } from './hold-image.js';

const read = async () => ({ image: Buffer.from('image'), name: 'a' });
const { signal } = new AbortController();
const as = (tenant: string, weight: number) => ({ tenant, signal, weight });
const budget = () =>
  createTurns({
    name: 'images',
    capacity: 100,
    maxByOne: 75,
    maxWaiting: 0,
    maxWaitMs: 1_000,
    now: () => 0,
  });

test('images are held within the budget, and a single image always', async () => {
  const turns = budget();
  const large = await holdImage(turns, as('a', 150), read);
  expect(large.name).toBe('a');
  expect(large.image.bytes().toString()).toBe('image');
  await expect(holdImage(turns, as('b', 26), read)).rejects.toMatchObject({ code: 'unavailable' });
  large.image.release();
  large.image.release();
  expect(() => large.image.bytes()).toThrow('released');
  await holdImage(turns, as('a', 60), read);
  await expect(holdImage(turns, as('a', 40), read)).rejects.toMatchObject({ code: 'unavailable' });
  await holdImage(turns, as('b', 40), read);
});

test('an image that cannot be read holds nothing', async () => {
  const turns = budget();
  const broken = holdImage(turns, as('a', 100), () => Promise.reject(new Error('broken')));
  await expect(broken).rejects.toThrow('broken');
  expect(turns.held()).toBe(0);
});
