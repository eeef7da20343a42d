import type { Job } from 'bullmq';
import { expect, test } from 'vitest';
import { createAloneRunner } from './run-alone.js';

/** A queue job that can be given back. */
const jobOf = (stalledCounter: number): Job =>
  ({ stalledCounter, moveToDelayed: async () => undefined }) as unknown as Job;
const givenBack = { name: 'DelayedError' };
const [sound, suspect] = [jobOf(0), jobOf(1)];
const quick = async () => 'done';

/** Work that ends when it is told to. */
function openWork() {
  let end: (value: string) => void = () => undefined;
  const ended = new Promise<string>((resolve) => {
    end = resolve;
  });
  return { work: () => ended, end: () => end('done') };
}

test('what lost a worker runs alone, and nothing is held meanwhile', async () => {
  let nowMs = 0;
  const run = createAloneRunner(() => nowMs);
  const first = openWork();
  const running = [run(sound, 'a', first.work), run(sound, 'b', first.work)];
  await expect(run(suspect, 'c', quick)).rejects.toMatchObject(givenBack);
  // Others make room for it, and go on where it does not come.
  await expect(run(sound, 'd', quick)).rejects.toMatchObject(givenBack);
  nowMs += 2_000;
  expect(await run(sound, 'd', quick)).toBe('done');
  first.end();
  await Promise.all(running);

  const alone = openWork();
  const ran = run(suspect, 'e', alone.work);
  await expect(run(sound, 'f', quick)).rejects.toMatchObject(givenBack);
  await expect(run(suspect, 'g', quick)).rejects.toMatchObject(givenBack);
  alone.end();
  expect(await ran).toBe('done');
  expect(await run(suspect, 'g', quick)).toBe('done');
  expect(await run(sound, 'f', quick)).toBe('done');
});
