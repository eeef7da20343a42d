import type { Trial } from '@umbra/shared/contracts/trial';
import { expect, test } from 'vitest';
import { trialBars, trialWords } from './trial-words.js';

const around = (mean: number, halfWidth: number) => ({
  mean,
  ...{ low: mean - halfWidth, high: mean + halfWidth },
});
const arm = (images: number, before: number, after: number) => {
  const told = { before, after, difference: around(after - before, 0.0625) };
  return { images, ...told, asClass: told };
};
const effect = (right: number, asClass: number) => ({
  ...{ right: around(right, 0.0625), asClass: around(asClass, 0.0625) },
});
const trialOf = (result: Trial['result']): Trial => ({
  ...{ version: 1, id: 'trial_x', job: 'job_x', model: { name: 'm', digest: '' } },
  request: { of: { kind: 'cluster', cluster: 0 }, images: 100, seed: 1 },
  ...{ state: 'completed', createdAt: '', startedAt: '', endedAt: '' },
  ...{ progress: { done: 1, total: 1 }, class: { index: 3, label: 'rocket' }, error: null },
  result,
});

/** With spaces that may break. */
const told = (trial: Trial): readonly string[] =>
  trialWords(trial).map((words) => words.replaceAll('\u00a0', ' '));

const caused = trialOf({
  cover: arm(150, 0.875, 0.5),
  coverElsewhere: arm(150, 0.875, 0.875),
  paste: arm(1_000, 0, 0.25),
  pasteOther: arm(1_000, 0, 0.03125),
  ...{ coverEffect: effect(-0.375, 0), pasteEffect: effect(-0.25, 0.21875) },
});
const nothing = trialOf({
  cover: arm(1, 0.875, 0.875),
  coverElsewhere: arm(1, 0.875, 0.875),
  ...{ paste: null, pasteOther: null, coverEffect: effect(0, 0), pasteEffect: null },
});

test('a trial says what rests on the patch, and what it makes of others', () => {
  expect(told(caused)).toEqual([
    'These images of rocket rest on it: covered in 150 images, 87.5 % right become 50.0 %, −37.5 points [−43.8, −31.3]; as much covered elsewhere, 0.0 points [−6.3, +6.3]. The difference is its own effect, −37.5 points [−43.8, −31.3].',
    'It makes others rocket: pasted onto 1,000 images of other classes, 0.0 % predicted so become 25.0 %, +25.0 points [+18.8, +31.3]; other content pasted, +3.1 points [−3.1, +9.4]. The difference is its own effect, +21.9 points [+15.6, +28.1].',
  ]);
  expect(trialBars(caused).map(({ name, measure }) => `${name}: ${measure}`)).toEqual([
    ...['Cover it: right', 'Cover elsewhere: right'],
    ...['Paste it: predicted rocket', 'Paste another: predicted rocket'],
  ]);
});

test('what is pasted makes no class where other content does as much', () => {
  const result = {
    ...(caused.result ?? expect.fail()),
    pasteOther: arm(1_000, 0, 0.25),
    pasteEffect: effect(0, 0),
  };
  expect(told(trialOf(result))[1]).toMatch(/^It makes others rocket no more than other content/);
});

test('a trial without an effect says so, as far as its images tell', () => {
  expect(told(nothing)).toEqual([
    'Covering it does no more to rocket than covering elsewhere, as far as these images tell: covered in 1 image, 87.5 % right become 87.5 %, 0.0 points [−6.3, +6.3]; as much covered elsewhere, 0.0 points [−6.3, +6.3]. The difference is its own effect, 0.0 points [−6.3, +6.3].',
    'No image of another class could take it: there are fewer than two, it fits in none of them, or their photos cannot be read.',
  ]);
  expect(trialBars(nothing)).toHaveLength(2);
});
