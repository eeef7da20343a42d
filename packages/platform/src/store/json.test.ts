import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createFsStore } from './fs-store.js';
import { getJson, putJson, readJsonLines } from './json.js';
import type { ObjectStore } from './store.js';

const record = z.strictObject({ n: z.int() });
let folder: string;
let store: ObjectStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-json-'));
  store = createFsStore(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('getJson', () => {
  test('gives back what putJson wrote', async () => {
    await putJson(store, 'good', { n: 3 });
    expect(await getJson(store, 'good', record)).toEqual({ n: 3 });
  });

  test('passes not_found on', async () => {
    await expect(getJson(store, 'none', record)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('names the key and the field of a record that is off', async () => {
    await store.put('bad/field', '{"n":"three"}');
    await expect(getJson(store, 'bad/field', record)).rejects.toMatchObject({
      code: 'integrity',
      message: expect.stringMatching(/object 'bad\/field': n: /),
    });
    await store.put('bad/json', '{"n":');
    await expect(getJson(store, 'bad/json', record)).rejects.toMatchObject({
      code: 'integrity',
      message: "Expected JSON in object 'bad/json'",
    });
  });
});

describe('readJsonLines', () => {
  const readAll = async (chunks: Iterable<Buffer | string>) => {
    const found: { value: { n: number }; bytes: number }[] = [];
    for await (const line of readJsonLines(Readable.from(chunks), record)) found.push(line);
    return found;
  };

  test('reads the same records however the stream is cut', async () => {
    const lines = fc.array(fc.integer(), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(
        lines,
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        async (all, cut, end) => {
          const text = all.map((n) => JSON.stringify({ n })).join('\n') + (end ? '\n' : '');
          const bytes = Buffer.from(text);
          const chunks = Array.from({ length: Math.ceil(bytes.length / cut) }, (_, i) =>
            bytes.subarray(i * cut, (i + 1) * cut),
          );
          const found = await readAll(chunks);
          expect(found.map(({ value }) => value.n)).toEqual(all);
        },
      ),
    );
  });

  test('sums to the offset of the next record, past blank lines and Windows line ends', async () => {
    const text = '{"n":1}\r\n\n\n{"n":2}\n{"n":3}';
    const found = await readAll([text]);
    expect(found.map(({ bytes }) => bytes)).toEqual([9, 10, 7]);
    const second = text.slice(9 + 10);
    expect((await readAll([second])).map(({ value }) => value.n)).toEqual([3]);
  });

  test('names the line that is off', async () => {
    await expect(readAll(['{"n":1}\n\n{"n":"x"}\n'])).rejects.toMatchObject({
      code: 'integrity',
      message: expect.stringContaining('line 3: n:'),
    });
  });

  test('does not hold an endless line', async () => {
    let sent = 0;
    function* endless(): Generator<Buffer> {
      for (; sent < 1000; sent += 1) yield Buffer.alloc(64 * 1024, 32);
    }
    await expect(readAll(endless())).rejects.toMatchObject({ code: 'integrity' });
    expect(sent).toBeLessThan(100);
  });

  test('passes the stream’s own error on', async () => {
    const fault = new Error('the connection broke');
    const source = new Readable({ read: () => source.destroy(fault) });
    const reading = readJsonLines(source, record).next();
    await expect(reading).rejects.toBe(fault);
  });
});
