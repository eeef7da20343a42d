import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ZipArchive } from 'archiver';
import { pack } from 'tar-stream';
import { expect, test } from 'vitest';
import type { Sink } from './sink.js';
import { unpackTar } from './tar.js';
import { unpackZip } from './zip.js';

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

test('entries of a zip are bounded together, whatever they are packed into', async () => {
  const zip = new ZipArchive();
  const chunks: Buffer[] = [];
  zip.on('data', (chunk: Buffer) => chunks.push(chunk));
  for (const name of ['a', 'b', 'c']) zip.append(Buffer.alloc(3000), { name });
  await zip.finalize();
  const folder = await mkdtemp(join(tmpdir(), 'umbra-zip-'));
  const path = join(folder, 'a.zip');
  await writeFile(path, Buffer.concat(chunks));
  const taken = names.length;
  await unpackZip(path, sink, { maxBytes: 9_000 });
  expect(names.slice(taken)).toEqual(['a', 'b', 'c']);
  const small = unpackZip(path, sink, { maxBytes: 8_000 });
  await expect(small).rejects.toMatchObject({ code: 'too_large' });
  await rm(folder, { recursive: true });
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
