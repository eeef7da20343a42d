import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { createDigestSet } from './digest-set.js';

const digest = (value: number | string) => createHash('sha256').update(String(value)).digest();

test('knows what was added, also after it has grown', () => {
  const set = createDigestSet();
  for (let value = 0; value < 20_000; value++) expect(set.add(digest(value))).toBe(true);
  for (let value = 0; value < 20_000; value += 7) expect(set.add(digest(value))).toBe(false);
  expect(set.add(digest('new'))).toBe(true);
});

test('tells digests apart by any of their first 16 bytes, the one of zeros included', () => {
  const set = createDigestSet();
  expect(set.add(Buffer.alloc(16))).toBe(true);
  expect(set.add(Buffer.alloc(16))).toBe(false);
  for (let at = 0; at < 16; at++) {
    const other = Buffer.alloc(16);
    other[at] = 255;
    expect(set.add(other)).toBe(true);
  }
});
