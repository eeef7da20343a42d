import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { expect, test } from 'vitest';
import { parseSettings, type SettingsFlags } from './settings-flags.js';

const cases: [SettingsFlags, object][] = [
  [{}, {}],
  [
    { patch: '48x64', stride: '8x16' },
    { patch: { height: 48, width: 64 }, stride: { y: 8, x: 16 } },
  ],
  [
    { patch: '32,16x24', stride: '8' },
    { patch: [32, { height: 16, width: 24 }], stride: 8 },
  ],
  [{ fill: '0.5' }, { fill: { kind: 'constant', value: 0.5, space: 'normalized' } }],
  [{ fill: '-1' }, { fill: { kind: 'constant', value: -1, space: 'normalized' } }],
  [{ fill: 'pixel:0.5' }, { fill: { kind: 'constant', value: 0.5, space: 'pixel' } }],
  [{ fill: 'mean' }, { fill: { kind: 'mean' } }],
  [{ fill: 'dataset-mean' }, { fill: { kind: 'dataset-mean' } }],
  [{ fill: 'blur:10' }, { fill: { kind: 'blur', sigma: 10 } }],
  [{ fill: 'noise:7' }, { fill: { kind: 'noise', seed: 7 } }],
  [{ target: 'predicted' }, { target: { kind: 'predicted' } }],
  [{ target: 'label' }, { target: { kind: 'label' } }],
  [{ target: 'top:5' }, { target: { kind: 'top', k: 5 } }],
  [{ target: '281' }, { target: { kind: 'class', index: 281 } }],
  [{ target: 'tabby cat' }, { target: { kind: 'class', name: 'tabby cat' } }],
  [
    { preset: 'article', patch: '50', stride: '50' },
    { preset: 'article', patch: 50, stride: 50 },
  ],
  [
    { score: 'log-odds', strategy: 'dense' },
    { score: 'log-odds', strategy: 'dense' },
  ],
  [{ refine: true }, { refine: true }],
  [{ 'refine-every': '8' }, { refine: { every: 8 } }],
  [{ faithfulness: true, 'faithfulness-steps': '20' }, { faithfulness: { steps: 20 } }],
  [
    { stride: '40', 'allow-gaps': true },
    { stride: 40, allowGaps: true },
  ],
];

test.each(cases)('%j', (flags, settings) => {
  expect(parseSettings(flags)).toEqual(occlusionSettings.parse(settings));
});

test.each([
  [{ patch: '3x' }, '--patch: Expected px'],
  [{ patch: '32,' }, '--patch: Expected px'],
  [{ fill: 'grey' }, '--fill.value: '],
  [{ fill: 'blur' }, '--fill.sigma: '],
  [{ fill: 'red:1' }, '--fill.space: '],
  [{ target: 'top:' }, '--target: Expected'],
  [{ 'refine-share': '2' }, '--refine-share: '],
  [{ 'faithfulness-steps': '1' }, '--faithfulness-steps: '],
  [{ preset: 'article', edge: 'valid' }, '--edge: Expected "article"'],
])('%j is refused by its name', (flags, message) => {
  expect(() => parseSettings(flags)).toThrow(message);
  expect(() => parseSettings(flags)).not.toThrow('\n');
});
