import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { expect, test } from 'vitest';
import { settingsFlags } from './snippets.js';

const defaults: OcclusionSettings = {
  patch: { height: 32, width: 32 },
  stride: { y: 16, x: 16 },
  edge: 'clip',
  fill: { kind: 'constant', value: 0, space: 'normalized' },
  target: { kind: 'predicted' },
  score: 'probability',
  strategy: 'auto',
  allowGaps: false,
  refine: null,
  faithfulness: null,
};
const always = '--patch 32x32 --stride 16x16';

test.each<[Partial<OcclusionSettings>, string]>([
  [{}, always],
  [{ edge: 'article' }, `${always} --edge article`],
  [{ fill: { kind: 'constant', value: 0.5, space: 'normalized' } }, `${always} --fill 0.5`],
  [{ fill: { kind: 'constant', value: 0, space: 'pixel' } }, `${always} --fill pixel:0`],
  [{ fill: { kind: 'dataset-mean' } }, `${always} --fill dataset-mean`],
  [{ fill: { kind: 'blur', sigma: 8 } }, `${always} --fill blur:8`],
  [{ fill: { kind: 'noise', seed: 7 } }, `${always} --fill noise:7`],
  [{ target: { kind: 'top', k: 3 } }, `${always} --target top:3`],
  [{ target: { kind: 'label' } }, `${always} --target label`],
  [{ target: { kind: 'class', name: "cat's" } }, `${always} --target 'cat'\\''s'`],
  [{ target: { kind: 'class', index: 281 } }, `${always} --target 281`],
  [{ score: 'log-odds', strategy: 'dense' }, `${always} --score log-odds --strategy dense`],
  [
    { refine: { every: 4, share: 0.3 }, faithfulness: { steps: 20 }, allowGaps: true },
    `${always} --refine-every 4 --refine-share 0.3 --faithfulness-steps 20 --allow-gaps`,
  ],
])('flags give every setting that is not as by default: %j', (given, flags) => {
  expect(settingsFlags({ ...defaults, ...given }).join(' ')).toBe(flags);
});

test('several patch sizes are one flag', () => {
  const patch = [defaults.patch, { height: 48, width: 64 }] as OcclusionSettings['patch'];
  expect(settingsFlags({ ...defaults, patch })).toContain('--patch 32x32,48x64');
});
