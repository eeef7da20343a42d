import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { ZipArchive } from 'archiver';
import { pack } from 'tar-stream';
import { expect, test } from 'vitest';
import { assertName } from './names.js';
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
const { signal } = new AbortController();
const bounds = { isCompressed: false, maxBytes: 20_000, signal };

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
  await unpackZip(path, sink, { maxBytes: 9_000, signal });
  expect(names.slice(taken)).toEqual(['a', 'b', 'c']);
  const small = unpackZip(path, sink, { maxBytes: 8_000, signal });
  await expect(small).rejects.toMatchObject({ code: 'too_large' });
  await rm(folder, { recursive: true });
});

type RawEntry = { readonly name: Buffer; readonly host: number; readonly flags?: number };

/** A zip of empty files, whose names are bytes as an archiver of that system writes them. */
function rawZip(entries: readonly RawEntry[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, host, flags = 0 } of entries) {
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(flags, 6);
    head.writeUInt16LE(name.length, 26);
    const listed = Buffer.alloc(46);
    listed.writeUInt32LE(0x02014b50, 0);
    listed.writeUInt16LE((host << 8) | 20, 4);
    listed.writeUInt16LE(flags, 8);
    listed.writeUInt16LE(name.length, 28);
    listed.writeUInt32LE(offset, 42);
    local.push(head, name);
    central.push(listed, name);
    offset += head.length + name.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(Buffer.concat(central).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, ...central, end]);
}

const unix = 3;
const dos = 0;
const utf8 = (name: string) => Buffer.from(name);

test.each<[string, RawEntry, string, string | null]>([
  [
    'UTF-8 without the flag, of macOS',
    { name: utf8('cafe\u0301/é 1.png'), host: unix },
    'cafe\u0301/é 1.png',
    null,
  ],
  [
    'UTF-8 with the flag',
    { name: utf8('日本/写真.png'), host: dos, flags: 0x800 },
    '日本/写真.png',
    null,
  ],
  ['backslashes of PowerShell', { name: utf8('cats\\a.png'), host: dos }, 'cats/a.png', null],
  ['a backslash of Unix', { name: utf8('a\\b.png'), host: unix }, 'a\\b.png', 'a backslash'],
  [
    'Shift-JIS',
    { name: Buffer.from('8eca905e2f835c2e706e67', 'hex'), host: dos },
    '\ufffdʐ^/\ufffd/.png',
    'not UTF-8',
  ],
  [
    'Latin-1',
    { name: Buffer.from('caf\xe9/\xe9.png', 'latin1'), host: unix },
    'caf\ufffd/\ufffd.png',
    'not UTF-8',
  ],
  [
    'Latin-1 with the flag of UTF-8',
    { name: Buffer.from('\xe9.png', 'latin1'), host: unix, flags: 0x800 },
    '\ufffd.png',
    'not UTF-8',
  ],
])('a zip with %s gives right names or refuses that one', async (_, entry, expected, refusal) => {
  const folder = await mkdtemp(join(tmpdir(), 'umbra-zip-'));
  const path = join(folder, 'a.zip');
  await writeFile(path, rawZip([entry, { name: utf8('next.png'), host: unix }]));
  const before = names.length;
  await unpackZip(path, sink, bounds);
  expect(names.slice(before)).toEqual([expected, 'next.png']);
  if (refusal === null) assertName(expected);
  else expect(() => assertName(expected)).toThrow(refusal);
  await rm(folder, { recursive: true });
});

/** A tar whose first header's checksum is right again. */
function withChecksum(tar: Buffer): Buffer {
  tar.fill(' ', 148, 156);
  const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return tar;
}

test('a tar with a name in Latin-1 gives one that is refused', async () => {
  const body = await tarOf({ 'xxx.png': Buffer.alloc(1), 'next.png': Buffer.alloc(1) });
  const latin1 = Buffer.from(body.toString('latin1').replace('xxx.png', '.\xe9x.png'), 'latin1');
  const before = names.length;
  await unpackTar(Readable.from([withChecksum(latin1)]), sink, bounds);
  expect(names.slice(before)).toEqual(['.\ufffdx.png', 'next.png']);
  expect(() => assertName('.\ufffdx.png')).toThrow('not UTF-8');
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

const mebibyte = 1024 * 1024;

test('what follows the end of a tar, and headers of headers, count as its content', async () => {
  const wide = { isCompressed: true, maxBytes: 1024 ** 3, signal };
  const photos = await tarOf({ a: Buffer.alloc(10) });
  const zeros = gzipSync(Buffer.concat([photos, Buffer.alloc(80 * mebibyte)]));
  expect(zeros.length).toBeLessThan(131_000);
  await expect(unpackTar(Readable.from([zeros]), sink, wide)).rejects.toMatchObject({
    code: 'too_large',
    message: expect.stringContaining(`at most ${64 * mebibyte} bytes`),
  });
  const pax = await paxHeaders(30);
  await expect(unpackTar(Readable.from([pax]), sink, wide)).rejects.toMatchObject({
    code: 'too_large',
  });
  const few = gzipSync(Buffer.concat([photos, Buffer.alloc(mebibyte)]));
  await unpackTar(Readable.from([few]), sink, wide);
});

/** A compressed tar of nothing but headers of 3 MiB each. */
async function paxHeaders(count: number): Promise<Buffer> {
  const one = await tarOf({ PaxHeader: Buffer.alloc(3 * mebibyte) });
  one.write('x', 156, 'latin1');
  const header = withChecksum(one).subarray(0, one.length - 1024);
  return gzipSync(Buffer.concat(Array<Buffer>(count).fill(header)));
}

test('a zip whose entries share bytes is refused before one is unpacked', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'umbra-zip-'));
  const path = join(folder, 'a.zip');
  const entries = [1, 2, 3].map((at) => ({ name: utf8(`${at}.png`), host: unix }));
  const zip = rawZip(entries);
  // The second entry of the directory says that it begins where the first one does.
  const directory = zip.readUInt32LE(zip.length - 6);
  zip.writeUInt32LE(0, directory + 46 + 5 + 42);
  await writeFile(path, zip);
  const before = names.length;
  await expect(unpackZip(path, sink, bounds)).rejects.toMatchObject({
    code: 'invalid_input',
    message: 'Expected a zip file, got one whose entries share bytes',
  });
  expect(names).toHaveLength(before);
  // Entries that are apart may be listed in any order.
  const shuffled = rawZip(entries);
  const row = 46 + 5;
  const rows = [2, 0, 1].map((at) =>
    Buffer.from(shuffled.subarray(directory + at * row, directory + (at + 1) * row)),
  );
  Buffer.concat(rows).copy(shuffled, directory);
  await writeFile(path, shuffled);
  await unpackZip(path, sink, bounds);
  expect(names.slice(before)).toEqual(['3.png', '1.png', '2.png']);
  await rm(folder, { recursive: true });
});

test('unpacking stops once nobody waits for it', async () => {
  const left = new Error('left');
  const client = new AbortController();
  let taken = 0;
  const leaving: Sink = {
    async add() {
      taken += 1;
      client.abort(left);
    },
    async refuse() {},
  };
  const limits = { ...bounds, signal: client.signal };
  const body = await tarOf({ a: Buffer.alloc(3000), b: Buffer.alloc(3000) });
  await expect(unpackTar(Readable.from([body]), leaving, limits)).rejects.toBe(left);
  await expect(unpackTar(Readable.from([body]), leaving, limits)).rejects.toBe(left);
  expect(taken).toBe(1);
  const folder = await mkdtemp(join(tmpdir(), 'umbra-zip-'));
  const path = join(folder, 'a.zip');
  await writeFile(path, rawZip([1, 2].map((at) => ({ name: utf8(`${at}.png`), host: unix }))));
  await expect(unpackZip(path, leaving, limits)).rejects.toBe(left);
  const later = new AbortController();
  const leavingLater: Sink = {
    async add() {
      taken += 1;
      later.abort(left);
    },
    async refuse() {},
  };
  const laterLimits = { ...bounds, signal: later.signal };
  await expect(unpackZip(path, leavingLater, laterLimits)).rejects.toBe(left);
  expect(taken).toBe(2);
  await rm(folder, { recursive: true });
});
