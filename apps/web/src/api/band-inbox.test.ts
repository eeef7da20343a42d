import { expect, test } from 'vitest';
import { createBandInbox } from './band-inbox.js';
import type { ImageProgress } from './images.js';

const image = 'img_00000000';
const predicted = { index: 1, label: 'cat', probability: 0.5 };
const targets = [{ index: 1, label: 'cat', score: 0.5 }];
const bandOf = (rowStart: number, hasValues = true) => ({
  ...{ image, rowStart, rowEnd: rowStart + 1 },
  values: hasValues ? { predicted, targets, scores: 's', predictedClasses: 'c' } : null,
});
const runningWith = (...rows: readonly number[]): ImageProgress => ({
  state: 'running',
  partial: {
    ...{ image, rows: 4, predicted, targets },
    grids: [{ patch: { height: 8, width: 8 }, rows: 4, columns: 2 }],
    bands: rows.map((rowStart) => ({
      ...{ rowStart, rowEnd: rowStart + 1, scores: 's', predictedClasses: 'c' },
    })),
  },
});

/** An inbox whose reads are answered one by one. */
function setUp() {
  const answers: ((progress: ImageProgress | Error) => void)[] = [];
  const kept = new Map<string, ImageProgress>();
  const inbox = createBandInbox({
    known: (id) => kept.get(id),
    keep: (id, progress) => void kept.set(id, progress),
    read: () =>
      new Promise((resolve, reject) => {
        answers.push((given) => (given instanceof Error ? reject(given) : resolve(given)));
      }),
  });
  const answer = async (progress: ImageProgress | Error) => {
    answers.shift()?.(progress);
    await new Promise((resolve) => setTimeout(resolve));
  };
  const rows = () => {
    const progress = kept.get(image);
    return progress?.state === 'running' ? progress.partial.bands.map((one) => one.rowStart) : null;
  };
  return { inbox, answer, answers, kept, rows };
}

test('an image is read at its first band, and those told meanwhile are not lost', async () => {
  const { inbox, answer, answers, rows } = setUp();
  inbox.begin();
  inbox.hear(bandOf(2));
  inbox.hear(bandOf(3));
  expect(answers).toHaveLength(1);
  await answer(runningWith(0, 2));
  expect(rows()).toEqual([0, 2, 3]);
  inbox.hear(bandOf(1));
  expect(answers).toHaveLength(0);
  expect(rows()).toEqual([0, 1, 2, 3]);
});

test('an image is read again after a broken connection, and for a band that was too large', async () => {
  const { inbox, answer, answers, rows } = setUp();
  inbox.begin();
  inbox.hear(bandOf(0));
  await answer(runningWith(0));
  inbox.begin();
  inbox.hear(bandOf(2));
  await answer(runningWith(0, 1, 2));
  expect(rows()).toEqual([0, 1, 2]);
  inbox.hear(bandOf(3, false));
  expect(answers).toHaveLength(1);
  await answer(runningWith(0, 1, 2, 3));
  expect(rows()).toEqual([0, 1, 2, 3]);
});

test('what could not be read is read at the next band, and a finished image no more', async () => {
  const { inbox, answer, answers, kept, rows } = setUp();
  inbox.begin();
  inbox.hear(bandOf(0));
  await answer(new Error('away'));
  expect(rows()).toBeNull();
  inbox.hear(bandOf(1));
  await answer({ state: 'finished', result: {} as never });
  expect(kept.get(image)?.state).toBe('finished');
  inbox.hear(bandOf(2));
  await answer({ state: 'finished', result: {} as never });
  expect(answers).toHaveLength(0);
});
