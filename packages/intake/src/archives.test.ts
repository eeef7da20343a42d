import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { expect, test } from 'vitest';
import type { Sink } from './sink.js';
import { unpackTar } from './tar.js';

async function tarOf(files: Readonly<Record<string, Buffer>>): Promise<Buffer> {
  const tar = pack();
  for (const [name, bytes] of Object.entries(files)) tar.entry({ name }, bytes);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as unknown as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const names: string[] = [];
const sink: Sink = {
  async add(name, open) {
    (await open()).resume();
    names.push(name);
  },
  async refuse() {},
};
const bounds = { isCompressed: false, maxBytes: 10_000 };

test('an archive of too many or too large files is no archive of photos', async () => {
  const body = await tarOf({ a: Buffer.alloc(3000), b: Buffer.alloc(3000), c: Buffer.alloc(3000) });
  const unpack = (more: object) => unpackTar(Readable.from([body]), sink, { ...bounds, ...more });
  await unpack({});
  expect(names).toEqual(['a', 'b', 'c']);
  await expect(unpack({ maxEntries: 2 })).rejects.toMatchObject({ code: 'too_large' });
  await expect(unpack({ maxBytes: 8_000 })).rejects.toMatchObject({ code: 'too_large' });
});

test("a body's own error passes as it is, and a broken archive says so", async () => {
  const body = await tarOf({ a: Buffer.alloc(3000) });
  const fault = Object.assign(new Error('away'), { code: 'unavailable' });
  async function* chunks() {
    yield body.subarray(0, 600);
    throw fault;
  }
  await expect(unpackTar(Readable.from(chunks()), sink, bounds)).rejects.toMatchObject({
    code: 'unavailable',
  });
  await expect(
    unpackTar(Readable.from([body.subarray(0, 1000)]), sink, bounds),
  ).rejects.toMatchObject({ code: 'invalid_input' });
});
