import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DatasetItem } from '../contracts/dataset.js';
import { type OcclusionSettingsInput, occlusionSettings } from '../contracts/settings.js';
import { addressOf } from './address.js';
import { canonicalJson } from './canonical-json.js';

const [image, model] = ['a'.repeat(64), 'b'.repeat(64)];
type Facts = { item?: Partial<DatasetItem>; model?: string };

const address = (settings: OcclusionSettingsInput = {}, facts: Facts = {}): string =>
  addressOf({
    item: { sha256: image, ...facts.item },
    model: { digest: facts.model ?? model },
    settings: occlusionSettings.parse(settings),
  });

describe('the address of an image`s scores', () => {
  const label = { kind: 'label' } as const;
  const equal: [string, string, string][] = [
    ['a default and the same written out', address({ stride: 16 }), address()],
    [
      'a square and its two sides',
      address({ patch: { height: 24, width: 24 } }),
      address({ patch: 24 }),
    ],
    ['a list of one patch', address({ patch: [24] }), address({ patch: 24 })],
    ['gaps that are allowed and not there', address({ allowGaps: true }), address()],
    [
      'a preset and what it means',
      address({ preset: 'article' }),
      address({ edge: 'article', stride: 14, fill: { kind: 'constant', value: 0.5 } }),
    ],
    ['a label nobody watches', address({}, { item: { label: 3 } }), address()],
    ['a box nobody asks for', address({}, { item: { box: square(1) } }), address()],
    [
      'a label and the class it names',
      address({ target: label }, { item: { label: 3 } }),
      address({ target: { kind: 'class', index: 3 } }),
    ],
  ];
  test.each(equal)('is the same for %s', (_, one, other) => {
    expect(one).toBe(other);
  });

  test('differs for work that differs', () => {
    const faithfulness = { steps: 4 };
    const addresses = [
      address(),
      address({}, { model: 'c'.repeat(64) }),
      address({}, { item: { sha256: 'd'.repeat(64) } }),
      address({ patch: 24 }),
      address({ patch: [24, 32] }),
      address({ patch: [32, 24] }),
      address({ patch: { height: 24, width: 32 } }),
      address({ stride: { y: 8, x: 16 } }),
      address({ stride: { y: 16, x: 8 } }),
      address({ edge: 'valid' }),
      address({ fill: { kind: 'mean' } }),
      address({ fill: { kind: 'noise', seed: 1 } }),
      address({ fill: { kind: 'noise', seed: 2 } }),
      address({ fill: { kind: 'constant', value: 0, space: 'pixel' } }),
      address({ score: 'log-odds' }),
      address({ strategy: 'dense' }),
      address({ strategy: 'incremental' }),
      address({ refine: true }),
      address({ refine: { every: 4 } }),
      address({ faithfulness }),
      address({ faithfulness }, { item: { box: square(1) } }),
      address({ faithfulness }, { item: { box: square(2) } }),
      address({ target: { kind: 'top', k: 2 } }),
      address({ target: { kind: 'class', index: 1 } }),
      address({ target: { kind: 'class', name: '1' } }),
      address({ target: { kind: 'label' } }),
      address({ target: { kind: 'label' } }, { item: { label: 7 } }),
      address({ target: { kind: 'label' } }, { item: { label: '7' } }),
    ];
    expect(new Set(addresses).size).toBe(addresses.length);
    for (const one of addresses) expect(one).toMatch(/^[0-9a-f]{64}$/);
  });

  test('stays what it is: rows of before an upgrade are found after it', () => {
    expect(address()).toBe('7fb3fa5e72f53cba3b9e7043c94b3c92a84c4eb9329341e99be021738519ebf0');
  });

  test('of a class by name is another one since names are exact before they are case-blind', () => {
    const before = 'f06d55898d562dac576cef68aed7742630fa3ca44ce56a693ccd4f50a7576732';
    expect(address({ target: { kind: 'class', name: 'cardigan' } })).not.toBe(before);
  });
});

describe('canonical JSON', () => {
  test('does not depend on the order of keys, and reads as the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(reversed(value))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

function square(px: number) {
  return { top: 0, left: 0, bottom: px, right: px };
}

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([key, inner]) => [key, reversed(inner)]));
}
