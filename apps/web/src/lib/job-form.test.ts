import { type OcclusionSettingsInput, occlusionSettings } from '@umbra/shared/contracts/settings';
import { describe, expect, test } from 'vitest';
import {
  errorsByField,
  formatForm,
  formOf,
  type JobForm,
  newJobPath,
  parseFill,
  parseForm,
  parseTarget,
  settingsOf,
} from './job-form.js';

const formOfQuery = (query: string): JobForm => parseForm(new URLSearchParams(query));

describe('a form of a new job', () => {
  test.each<[string, OcclusionSettingsInput]>([
    ['', {}],
    ['patch=32&stride=8', { patch: { height: 32, width: 32 }, stride: { y: 8, x: 8 } }],
    ['patch=24x32&stride=8x4', { patch: { height: 24, width: 32 }, stride: { y: 8, x: 4 } }],
    [
      'patch=16, 24x32',
      {
        patch: [
          { height: 16, width: 16 },
          { height: 24, width: 32 },
        ],
      },
    ],
    ['fill=0.5', { fill: { kind: 'constant', value: 0.5, space: 'normalized' } }],
    ['fill=-1', { fill: { kind: 'constant', value: -1, space: 'normalized' } }],
    ['fill=pixel:1', { fill: { kind: 'constant', value: 1, space: 'pixel' } }],
    ['fill=dataset-mean', { fill: { kind: 'dataset-mean' } }],
    ['fill=blur:8', { fill: { kind: 'blur', sigma: 8 } }],
    ['fill=noise:7', { fill: { kind: 'noise', seed: 7 } }],
    ['target=top:3', { target: { kind: 'top', k: 3 } }],
    ['target=label', { target: { kind: 'label' } }],
    ['target=class:281', { target: { kind: 'class', index: 281 } }],
    ['target=class:tabby cat', { target: { kind: 'class', name: 'tabby cat' } }],
    ['target=tabby', { target: { kind: 'class', name: 'tabby' } }],
    [
      'gaps=yes&refine=yes&faithfulness=20',
      { allowGaps: true, refine: true, faithfulness: { steps: 20 } },
    ],
    [
      'refine=4,0.5&score=logit&edge=valid',
      { edge: 'valid', score: 'logit', refine: { every: 4, share: 0.5 } },
    ],
  ])('says by %j what a job is asked for', (query, settings) => {
    expect(settingsOf(formOfQuery(query))).toEqual({ settings, errors: {} });
  });

  test.each([
    ['patch=', {}],
    [
      'patch=a',
      { patch: 'Expected px, such as 32, or 24x32 (height x width), or several: 16,32, got “a”' },
    ],
    ['patch=16,,32', { patch: expect.stringContaining('got “16,,32”') }],
    ['stride=1.5', { stride: expect.stringContaining('Expected px') }],
    ['fill=blur:', { fill: 'Expected a number' }],
    ['fill=grey', { fill: expect.any(String) }],
    ['target=top:x', { target: 'Expected how many classes, got “top:x”' }],
    ['target=class:', { target: 'Expected a class by name or index' }],
    ['refine=5', { refine: expect.any(String) }],
  ])('tells at the field what cannot be read of %j', (query, errors) => {
    expect(settingsOf(formOfQuery(query))).toEqual({ settings: {}, errors });
  });

  test('comes back from its address', () => {
    const query =
      'dataset=ds_1&model=m&image=img_00000003&patch=16%2C32&fill=pixel%3A0.5&target=class%3Aa+b';
    const search = new URLSearchParams(query);
    expect(formatForm(parseForm(search)).toString()).toBe(search.toString());
    expect(newJobPath({})).toBe('/jobs/new');
    expect(newJobPath({ model: 'm', patch: '' })).toBe('/jobs/new?model=m');
  });

  test.each<OcclusionSettingsInput>([
    {},
    { patch: [16, { height: 24, width: 32 }], stride: { y: 8, x: 4 }, edge: 'valid' },
    { fill: { kind: 'blur', sigma: 2.5 }, target: { kind: 'top', k: 4 }, score: 'log-odds' },
    {
      fill: { kind: 'constant', value: 1, space: 'pixel' },
      target: { kind: 'class', name: 'tabby' },
    },
    { target: { kind: 'class', index: 3 }, strategy: 'dense', refine: true, faithfulness: true },
    { patch: 8, stride: 16, allowGaps: true, target: { kind: 'label' } },
    { preset: 'article' },
  ])('asks for what a job with %j ran with', (given) => {
    const { preset: _, ...settings } = occlusionSettings.parse(given);
    const form = formOf({ dataset: 'ds_1', model: { name: 'm' }, settings });
    const again = settingsOf(parseForm(formatForm(form)));
    expect(again.errors).toEqual({});
    expect(occlusionSettings.parse(again.settings)).toEqual(settings);
  });

  test('takes a fill and a target apart', () => {
    expect(parseFill('')).toEqual({ kind: 'constant', value: '' });
    expect(parseFill('1e-3')).toEqual({ kind: 'constant', value: '1e-3' });
    expect(parseFill('blur:8')).toEqual({ kind: 'blur', value: '8' });
    expect(parseFill('dataset-mean')).toEqual({ kind: 'dataset-mean', value: '' });
    expect(parseTarget('')).toEqual({ kind: 'predicted', value: '' });
    expect(parseTarget('top:')).toEqual({ kind: 'top', value: '' });
    expect(parseTarget('class:a:b')).toEqual({ kind: 'class', value: 'a:b' });
  });
});

test('what the service says goes to the field that it is about', () => {
  const message = 'settings.patch: a; b';
  expect(
    errorsByField({
      message,
      errors: [
        { path: 'settings.patch.0', message: 'a' },
        { path: 'settings.patch.1', message: 'b' },
        { path: 'settings.allowGaps', message: 'c' },
        { path: 'model', message: 'd' },
        { path: 'settings.preset', message: 'e' },
        { path: '', message: 'f' },
      ],
    }),
  ).toEqual({
    fields: { patch: 'a; b', gaps: 'c', model: 'd' },
    rest: ['settings.preset: e', 'f'],
  });
  expect(errorsByField({ message: 'Expected a smaller patch', errors: [] })).toEqual({
    fields: {},
    rest: ['Expected a smaller patch'],
  });
});
