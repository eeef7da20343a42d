import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createCache, createLoadingCache } from './cache.js';

describe('a cache', () => {
  test('keeps the entries that were used last', () => {
    const cache = createCache<number>({ maxEntries: 2 });
    cache.set('a', 1);
    cache.set('b', 2);
    cache.get('a');
    cache.set('c', 3);
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([1, undefined, 3]);
  });

  test('keeps as many bytes as it may, and nothing larger', () => {
    const cache = createCache<string>({ maxBytes: 4, sizeOf: (text) => text.length });
    cache.set('a', 'xx');
    cache.set('b', 'yy');
    cache.set('c', 'zz');
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([undefined, 'yy', 'zz']);
    cache.set('d', 'fives');
    expect(cache.get('d')).toBeUndefined();
  });

  test('counts the age of a value from when it was true', () => {
    const cache = createCache<number>({ maxEntries: 9, ttlMs: 10_000 });
    cache.set('old', 1, performance.now() - 10_001);
    cache.set('new', 2, performance.now() - 5_000);
    expect([cache.get('old'), cache.get('new')]).toEqual([undefined, 2]);
  });

  test('counts the age of a value that was true at 0', () => {
    let now = 0;
    const cache = createCache<number>({ maxEntries: 9, ttlMs: 10, now: () => now });
    cache.set('a', 1, 0);
    now = 11;
    expect(cache.get('a')).toBeUndefined();
  });

  test('keeps null', () => {
    const cache = createCache<null>({ maxEntries: 1 });
    cache.set('a', null);
    expect(cache.get('a')).toBeNull();
  });
});

describe('a loading cache', () => {
  test('makes a value once for all who ask at once', async () => {
    const cache = createLoadingCache<number>({ maxEntries: 4 });
    let made = 0;
    const make = async () => {
      await sleep(5);
      made += 1;
      return made;
    };
    expect(await Promise.all([cache.load('a', make), cache.load('a', make)])).toEqual([1, 1]);
    expect(await cache.load('a', make)).toBe(1);
  });

  test('keeps no failure', async () => {
    const cache = createLoadingCache<number>({ maxEntries: 4 });
    const fail = () => Promise.reject(new Error('away'));
    await expect(cache.load('a', fail)).rejects.toThrow('away');
    expect(await cache.load('a', async () => 2)).toBe(2);
  });

  test('keeps nothing that was deleted while it was made', async () => {
    const cache = createLoadingCache<number>({ maxEntries: 4 });
    const first = cache.load('a', async () => {
      await sleep(5);
      return 1;
    });
    cache.delete('a');
    expect(await first).toBe(1);
    expect(await cache.load('a', async () => 2)).toBe(2);
  });
});
