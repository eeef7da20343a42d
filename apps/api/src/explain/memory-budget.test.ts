import { expect, test } from 'vitest';
import { createMemoryBudget } from './memory-budget.js';

const read = async () => ({ image: Buffer.from('image'), name: 'a' });

test('images are admitted within the budget, and a single image always', async () => {
  const budget = createMemoryBudget(100);
  const large = await budget.hold(150, read);
  expect(large.name).toBe('a');
  expect(large.image.bytes().toString()).toBe('image');
  await expect(budget.hold(1, read)).rejects.toMatchObject({ code: 'unavailable' });
  large.image.release();
  large.image.release();
  expect(() => large.image.bytes()).toThrow('released');
  await budget.hold(60, read);
  await expect(budget.hold(60, read)).rejects.toMatchObject({ code: 'unavailable' });
  await budget.hold(40, read);
});

test('an image that cannot be read takes nothing of the budget', async () => {
  const budget = createMemoryBudget(100);
  const broken = budget.hold(100, () => Promise.reject(new Error('broken')));
  await expect(broken).rejects.toThrow('broken');
  await budget.hold(100, read);
});
