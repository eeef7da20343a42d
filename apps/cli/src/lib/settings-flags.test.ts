import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { describe, expect, test } from 'vitest';
import { addOptions, createCommand } from './command.js';
import { settingsOptions } from './options.js';
import { parseSettings, type SettingsFlags } from './settings-flags.js';

const parse = (...args: string[]) => {
  const command = createCommand('run', { summary: 'run', examples: ['run'] });
  addOptions(command, settingsOptions()).action(() => undefined);
  return parseSettings(command.parse(args, { from: 'user' }).opts<SettingsFlags>());
};

const cases: [string[], object][] = [
  [[], {}],
  [
    ['--patch', '48x64', '--stride', '8x16'],
    { patch: { height: 48, width: 64 }, stride: { y: 8, x: 16 } },
  ],
  [['--patch', '32,16x24', '--stride=8'], { patch: [32, { height: 16, width: 24 }], stride: 8 }],
  [['--fill', '0.5'], { fill: { kind: 'constant', value: 0.5, space: 'normalized' } }],
  [['--fill', '-1'], { fill: { kind: 'constant', value: -1, space: 'normalized' } }],
  [['--fill', 'pixel:0.5'], { fill: { kind: 'constant', value: 0.5, space: 'pixel' } }],
  [['--fill', 'mean'], { fill: { kind: 'mean' } }],
  [['--fill', 'dataset-mean'], { fill: { kind: 'dataset-mean' } }],
  [['--fill', 'blur:10'], { fill: { kind: 'blur', sigma: 10 } }],
  [['--fill', 'noise:7'], { fill: { kind: 'noise', seed: 7 } }],
  [['--target', 'predicted'], { target: { kind: 'predicted' } }],
  [['--target', 'label'], { target: { kind: 'label' } }],
  [['--target', 'top:5'], { target: { kind: 'top', k: 5 } }],
  [['--target', '281'], { target: { kind: 'class', name: '281' } }],
  [['--target', 'tabby cat'], { target: { kind: 'class', name: 'tabby cat' } }],
  [
    ['--preset', 'article', '--patch', '50', '--stride', '50'],
    { preset: 'article', patch: 50, stride: 50 },
  ],
  [['--score', 'log-odds', '--strategy', 'dense'], { score: 'log-odds', strategy: 'dense' }],
  [['--refine'], { refine: true }],
  [['--refine-every', '8'], { refine: { every: 8 } }],
  [['--refine', '--refine-share', '0.5'], { refine: { share: 0.5 } }],
  [['--faithfulness', '--faithfulness-steps', '20'], { faithfulness: { steps: 20 } }],
  [['--stride', '40', '--allow-gaps'], { stride: 40, allowGaps: true }],
];

describe('settings of', () => {
  test.each(cases)('%j are those of the contract', (args, settings) => {
    expect(parse(...args)).toEqual(occlusionSettings.parse(settings));
  });

  test.each([
    [['--patch', '3x'], '--patch: Expected px'],
    [['--patch', '32,'], '--patch: Expected px'],
    [['--fill', 'red'], '--fill: Expected NUMBER in normalised units, pixel:NUMBER in [0, 1], '],
    [['--fill', 'blur'], "blur:PX or noise:SEED, got 'blur'"],
    [['--fill', 'red:1'], "got 'red:1'"],
    [['--fill', 'pixel:2000'], '--fill: Too big'],
    [['--refine-every', 'often'], '--refine-every: Expected a number'],
    [['--target', 'top:'], '--target: Expected'],
    [['--refine-share', '2'], '--refine-share: '],
    [['--faithfulness-steps', '1'], '--faithfulness-steps: '],
    [['--preset', 'article', '--edge', 'valid'], '--edge: Expected "article"'],
    [
      ['--stride', '40'],
      '--stride: Expected the stride to be at most the patch, or --allow-gaps to be true',
    ],
  ])('%j are refused by the name of the flag', (args, message) => {
    expect(() => parse(...args)).toThrow(message);
    expect(() => parse(...args)).not.toThrow('\n');
    expect(() => parse(...args)).not.toThrow(/NaN|allowGaps/);
  });
});

test.each(['--edge', '--score', '--strategy'])(
  'the help of %s lists what the contract takes',
  (flag) => {
    const help = settingsOptions().find(({ long }) => long === flag)?.description ?? '';
    const [, words = '', fallback = ''] = /^(.+) \(default: (.+)\)$/.exec(help) ?? [];
    const listed = words.split(/, | or /);
    expect(listed).toContain(fallback);
    expect(() => parse(flag, 'none')).toThrow(listed.map((value) => `"${value}"`).join('|'));
    expect(parse(flag, fallback)).toEqual(parse());
  },
);
