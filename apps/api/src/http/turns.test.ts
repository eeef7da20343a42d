import { expect, test } from 'vitest';
import { createSemaphore } from './turns.js';

test('no more run at once than may, in order, also where some fail', async () => {
  const turns = createSemaphore(2);
  const began: number[] = [];
  let running = 0;
  let most = 0;
  const results = await Promise.allSettled(
    Array.from({ length: 7 }, (_, index) =>
      turns(async () => {
        began.push(index);
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        if (index % 3 === 0) throw new Error('no');
        return index;
      }),
    ),
  );
  expect(most).toBe(2);
  expect(began).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(3);
});
