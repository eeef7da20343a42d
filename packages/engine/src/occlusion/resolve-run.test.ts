import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { describe, expect, test } from 'vitest';
import { resolveRun, resolveSettings } from './resolve-run.js';

const size = { height: 32, width: 24 };
const logits = { name: 'tiny', output: { kind: 'logits' } } as const;
const probabilities = { name: 'tiny', output: { kind: 'probabilities' } } as const;
const parse = (settings: unknown) => occlusionSettings.parse(settings);

describe('resolveRun', () => {
  test('gives the plan, and the extent that every patch fits into', () => {
    const settings = parse({
      patch: [
        { height: 8, width: 4 },
        { height: 2, width: 16 },
      ],
      stride: 2,
    });
    const run = resolveRun(settings, logits, size, { labels: ['a', 'b'] });
    expect(run).toMatchObject({ settings, strategy: 'auto', patch: { height: 8, width: 16 } });
    expect(run.plan.grids).toHaveLength(2);
    expect(run.plan.image).toEqual(size);
  });

  test.each([
    ['a patch beyond the input', { patch: 33 }, 'vertical patch (33 px)'],
    ['a class beyond the known ones', { target: { kind: 'class', index: 2 } }, 'below 2, got 2'],
    ['more classes than are known', { target: { kind: 'top', k: 3 } }, "at most the model's 2"],
    ['a name that no class has', { target: { kind: 'class', name: 'c' } }, "got 'c'"],
  ])('refuses %s', (_, settings, message) => {
    const labels = ['a', 'b'];
    expect(() => resolveRun(parse(settings), logits, size, { labels })).toThrow(message);
  });

  test('leaves a class unchecked where class names are not known', () => {
    const settings = parse({ patch: 16, target: { kind: 'class', index: 999 } });
    expect(resolveRun(settings, logits, size).target).toEqual({ kind: 'class', index: 999 });
  });
});

describe('resolveSettings', () => {
  test('refuses logits of a model that gives probabilities', () => {
    const settings = parse({ score: 'logit' });
    expect(() => resolveSettings(settings, probabilities)).toThrow("got 'logit'");
    expect(resolveSettings(settings, logits).score).toBe('logit');
  });

  test('turns auto into dense where incremental is not allowed, and refuses incremental', () => {
    const limits = { forbidIncremental: true };
    expect(resolveSettings(parse({}), logits, limits).strategy).toBe('dense');
    expect(() => resolveSettings(parse({ strategy: 'incremental' }), logits, limits)).toThrow(
      'UMBRA_FORBID_INCREMENTAL',
    );
  });
});
