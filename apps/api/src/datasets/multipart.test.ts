import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sink } from '@umbra/datasets';
import { AppError } from '@umbra/shared/errors';
import type { Request } from 'express';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readForm } from './multipart.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-multipart-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A sink that keeps what it read whole, and remembers whose reading failed. */
function collect(beforeEach: (name: string) => Promise<void> | void = () => undefined) {
  const files = new Map<string, Buffer>();
  const broken: string[] = [];
  const sink: Sink = {
    add: async (name, open) => {
      await beforeEach(name);
      try {
        files.set(name, Buffer.concat(await (await open()).toArray()));
      } catch {
        broken.push(name);
      }
    },
    refuse: () => Promise.resolve(),
  };
  return { files, broken, sink };
}

const part = (name: string, content: Buffer | string): Buffer =>
  Buffer.concat([
    Buffer.from(`--b\r\nContent-Disposition: form-data; name="images"; filename="${name}"\r\n\r\n`),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ]);
const end = Buffer.from('--b--\r\n');

const { signal } = new AbortController();

async function read(body: Readable, sink: Sink): Promise<void> {
  const headers = { 'content-type': 'multipart/form-data; boundary=b' };
  const request = { headers, get: () => headers['content-type'] } as unknown as Request;
  await readForm(request, body, sink, { folder, maxBytes: 1e9, signal });
}

const cut = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );

test("names are as the client's file system has them", async () => {
  const names = ['a%22b.png', '%0Aa.png', '100%.png', 'a%20b.png'];
  const { files, sink } = collect();
  await read(Readable.from([...names.map((name) => part(name, 'x')), end]), sink);
  expect([...files.keys()]).toEqual(['a"b.png', '\na.png', '100%.png', 'a%20b.png']);
});

test.each([1, 7, 65_536])('files come in order and whole, in chunks of %i bytes', async (size) => {
  const large = Buffer.alloc(size === 1 ? 5_000 : 500_000, 'a\r\n--');
  const form = [part('cats/größe.png', 'one'), part('large.png', large), part('', ''), end];
  const { files, sink } = collect();
  await read(Readable.from(cut(Buffer.concat(form), size)), sink);
  expect([...files.keys()]).toEqual(['cats/größe.png', 'large.png', '']);
  expect(files.get('cats/größe.png')?.toString()).toBe('one');
  expect(files.get('large.png')?.equals(large)).toBe(true);
});

test.each(['photo.png', 'photos.zip', 'photos.tar'])(
  'a form that ends within %s is not complete, and the file is not taken',
  async (name) => {
    for (const bytes of [10, 300_000]) {
      const unfinished = part(name, Buffer.alloc(bytes)).subarray(0, -1);
      const { files, sink } = collect();
      await expect(
        read(Readable.from([part('whole.png', 'one'), unfinished]), sink),
      ).rejects.toMatchObject({
        code: 'invalid_input',
        message: 'Expected a complete multipart form',
      });
      expect([...files.keys()]).toEqual(['whole.png']);
    }
  },
);

test('a file whose turn comes after the form broke off is not taken', async () => {
  const { files, broken, sink } = collect(() => sleep(50));
  const body = Readable.from([part('whole.png', 'one'), part('half.png', 'two').subarray(0, -1)]);
  await expect(read(body, sink)).rejects.toMatchObject({
    code: 'invalid_input',
    message: 'Expected a complete multipart form',
  });
  expect([...files.keys()]).toEqual(['whole.png']);
  expect(broken).toEqual(['half.png']);
});

test.each(['photo.png', 'photos.zip', 'photos.tar'])(
  'a body that fails within %s fails with its own error',
  async (name) => {
    const body = Readable.from(
      (async function* () {
        yield part('whole.png', 'one');
        yield part(name, Buffer.alloc(300_000)).subarray(0, -1);
        await sleep(10);
        throw new AppError('too_large', 'Expected less');
      })(),
    );
    const { files, sink } = collect();
    await expect(read(body, sink)).rejects.toMatchObject({ code: 'too_large' });
    expect([...files.keys()]).toEqual(['whole.png']);
  },
);

test('a broken zip is told also where it is the last of the form', async () => {
  for (const parts of [
    [part('photos.zip', 'no zip'), end],
    [part('photos.zip', 'no zip'), part('b', 'b'), end],
  ]) {
    await expect(read(Readable.from(parts), collect().sink)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('Expected a zip file') as string,
    });
  }
});

test('a file that cannot be stored is no fault of the form', async () => {
  const body = Readable.from([part('photos.zip', Buffer.alloc(300_000)), part('b.png', 'b'), end]);
  const headers = { 'content-type': 'multipart/form-data; boundary=b' };
  const request = { headers, get: () => headers['content-type'] } as unknown as Request;
  const nowhere = { folder: join(folder, 'gone'), maxBytes: 1e9, signal };
  await expect(readForm(request, body, collect().sink, nowhere)).rejects.toMatchObject({
    code: 'ENOENT',
  });
});

test('a sink that cannot go on ends the form with its error', async () => {
  const body = Readable.from([part('a.png', Buffer.alloc(300_000)), part('b.png', 'two'), end]);
  const sink: Sink = {
    add: () => Promise.reject(new AppError('quota_exceeded', 'Expected less')),
    refuse: () => Promise.resolve(),
  };
  await expect(read(body, sink)).rejects.toMatchObject({ code: 'quota_exceeded' });
  expect(body.destroyed).toBe(true);
});
