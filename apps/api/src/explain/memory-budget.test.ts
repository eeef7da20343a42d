import { expect, test } from 'vitest';
import { createMemoryBudget } from './memory-budget.js';

const read = async () => ({ image: Buffer.from('image'), name: 'a' });

test('images are let in while there is room, and one alone always', async () => {
  const room = createMemoryBudget(100);
  const large = await room.hold(150, read);
  expect(large.name).toBe('a');
  expect(large.image.bytes().toString()).toBe('image');
  await expect(room.hold(1, read)).rejects.toMatchObject({ code: 'unavailable' });
  large.image.release();
  large.image.release();
  expect(() => large.image.bytes()).toThrow('let go');
  await room.hold(60, read);
  await expect(room.hold(60, read)).rejects.toMatchObject({ code: 'unavailable' });
  await room.hold(40, read);
});

test('what cannot be read takes no room', async () => {
  const room = createMemoryBudget(100);
  const broken = room.hold(100, () => Promise.reject(new Error('broken')));
  await expect(broken).rejects.toThrow('broken');
  await room.hold(100, read);
});
