import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Entry, fromBuffer, type ZipFile } from 'yauzl';
import { pack } from './archive-images.js';
import { createZipWriter, type ZipEntry } from './zip-writer.js';

let folder: string;
let made = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-zip-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(entries: AsyncIterable<ZipEntry> | Iterable<ZipEntry>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const take = async (chunk: Buffer) => void chunks.push(chunk);
  const zip = await createZipWriter(take, join(folder, `${made++}`), new Date(0));
  for await (const entry of entries) await zip.add(entry);
  await zip.finish();
  await zip.close();
  return Buffer.concat(chunks);
}

/** Every entry, and where `wanted`, its bytes; checksums are held to. */
async function readZip(bytes: Buffer, wanted: (name: string) => boolean = () => true) {
  const files = new Map<string, Buffer | null>();
  const zip = await promisify<Buffer, object, ZipFile>(fromBuffer)(bytes, { lazyEntries: true });
  await new Promise<void>((resolve, reject) => {
    zip.on('error', reject).on('end', resolve);
    zip.on('entry', (entry: Entry) => {
      files.set(entry.fileName, null);
      if (!wanted(entry.fileName)) return zip.readEntry();
      zip.openReadStream(entry, async (error, stream) => {
        if (error) return reject(error);
        files.set(entry.fileName, Buffer.concat(await stream.toArray()));
        zip.readEntry();
      });
    });
    zip.readEntry();
  });
  return files;
}

test('a zip gives back its entries, whatever their names and bytes', async () => {
  const name = fc.stringMatching(/^[a-zA-Z0-9ěß漢]{1,40}(\.(png|npy))?$/);
  const files = fc.dictionary(name, fc.uint8Array({ maxLength: 2_000 }), { noNullPrototype: true });
  await fc.assert(
    fc.asyncProperty(files, async (given) => {
      const plain = Object.entries(given).map(
        ([path, bytes]) => [path, Buffer.from(bytes)] as const,
      );
      const zip = await write(await Promise.all(plain.map(([path, bytes]) => pack(path, bytes))));
      expect(await readZip(zip)).toEqual(new Map(plain));
    }),
    { numRuns: 50 },
  );
});

test('a zip holds more entries than the plain format can count', async () => {
  const count = 70_000;
  const entries = Array.from({ length: count }, (_, index): ZipEntry => {
    const content = Buffer.from(String(index));
    const sizes = { bytes: content.length, packedBytes: content.length };
    return { name: `${index}.txt`, method: 'store', crc: crc32(content), ...sizes, content };
  });
  const files = await readZip(await write(entries), (name) => name === '69999.txt');
  expect(files.size).toBe(count);
  expect(files.get('69999.txt')?.toString()).toBe('69999');
});

test('a zip takes an entry whose content is a stream', async () => {
  const bytes = Buffer.alloc(300_000, 'umbra');
  const sizes = { bytes: bytes.length, packedBytes: bytes.length };
  const content = Readable.from([bytes.subarray(0, 100_000), bytes.subarray(100_000)]);
  const zip = await write([{ name: 'a', method: 'store', crc: crc32(bytes), ...sizes, content }]);
  expect((await readZip(zip)).get('a')?.equals(bytes)).toBe(true);
});
