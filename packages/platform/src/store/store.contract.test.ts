import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { createFsStore } from './fs-store.js';
import { listFolders } from './list-folders.js';
import { readUntil } from './read-until.js';
import { createS3Store } from './s3-store.js';
import type { ObjectStore } from './store.js';

/** One driver under test: a store of its own, and one that cannot be written. */
type Driver = {
  readonly store: ObjectStore;
  readonly broken: ObjectStore;
  close(): Promise<void>;
};

const s3 = inject('s3');

describe('fs', () => contract(openFs, { sortsByByte: true, partsMayWin: false }));
// The emulator sorts keys as words of a language; S3 does so by byte.
describe.skipIf(s3 === null)('s3', () =>
  contract(openS3, { sortsByByte: s3?.kind !== 'emulator', partsMayWin: true }),
);

async function openFs(): Promise<Driver> {
  const folder = await mkdtemp(join(tmpdir(), 'umbra-store-'));
  const file = join(folder, 'file');
  await writeFile(file, 'a file, where the folder of objects is expected');
  return {
    store: createFsStore(join(folder, 'objects')),
    broken: createFsStore(file),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

async function openS3(): Promise<Driver> {
  if (s3 === null) throw new Error('Expected an S3 server');
  const { bucket, region, endpoint, accessKeyId, secretAccessKey } = s3;
  const prefix = `contract-${randomUUID()}/`;
  const options = { bucket, prefix, region, credentials: { accessKeyId, secretAccessKey } };
  const store = createS3Store({ ...options, endpoint });
  return {
    store,
    // The discard port: nothing listens.
    broken: createS3Store({ ...options, endpoint: 'http://127.0.0.1:9' }),
    close: async () => {
      const left = await collect(store.list(''));
      await inParallel(left, 32, ({ key }) => store.delete(key));
    },
  };
}

type Traits = {
  readonly sortsByByte: boolean;
  /** Whether parts that are on their way when their upload is aborted may still be taken: then the write ends well. */
  readonly partsMayWin: boolean;
};

function contract(open: () => Promise<Driver>, { sortsByByte, partsMayWin }: Traits): void {
  let driver: Driver;
  let store: ObjectStore;
  beforeAll(async () => {
    driver = await open();
    store = driver.store;
  });
  afterAll(() => driver.close());

  test('gives back what was put, whole, streamed and as a head', async () => {
    const body = randomBytes(10_000);
    await store.put('round/trip', body);
    expect(await store.get('round/trip')).toEqual(body);
    expect(await store.head('round/trip')).toEqual({
      key: 'round/trip',
      bytes: 10_000,
      modifiedMs: expect.closeTo(Date.now(), -5),
    });
    const streamed = await store.stream('round/trip');
    expect(streamed.bytes).toBe(10_000);
    expect(await read(streamed.body)).toEqual(body);
  });

  test('keeps an empty object', async () => {
    await store.put('empty', '');
    expect(await store.get('empty')).toEqual(Buffer.alloc(0));
    expect(await store.putStream('empty', Readable.from([]))).toEqual({ bytes: 0 });
    expect(await store.head('empty')).toMatchObject({ key: 'empty', bytes: 0 });
  });

  test('replaces the whole object', async () => {
    await store.put('replaced', 'a long first version');
    await store.put('replaced', 'second');
    expect((await store.get('replaced')).toString()).toBe('second');
  });

  test('says not_found for what is not there, and for a folder', async () => {
    await store.put('folder/object', 'x');
    for (const key of ['nothing', 'nothing/here', 'folder', 'folder/object/below']) {
      await expect(store.get(key)).rejects.toMatchObject({ code: 'not_found' });
      await expect(store.stream(key)).rejects.toMatchObject({ code: 'not_found' });
      expect(await store.head(key)).toBeNull();
    }
  });

  test('deletes, and deletes again', async () => {
    await store.put('deleted/object', 'x');
    await store.delete('deleted/object');
    await store.delete('deleted/object');
    await store.delete('deleted');
    await store.delete('never/was');
    expect(await store.head('deleted/object')).toBeNull();
  });

  test.skipIf(!sortsByByte)('lists in the byte order of whole keys', async () => {
    // Not 'b/a' itself: a file system cannot hold it beside 'b/a/c'.
    const names = ['a', 'a-b/c', 'a.txt', 'a0', 'a b', 'b/a.b', 'b/a/c', 'b-', 'Z', 'é', 'ﬀ', '😀'];
    const keys = names.map((name) => `order/${name}`);
    await inParallel(keys, 8, (key) => store.put(key, key));
    const inByteOrder = [...keys].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
    const listed = await collect(store.list('order/'));
    expect(listed).toMatchObject(
      inByteOrder.map((key) => ({ key, bytes: Buffer.byteLength(key) })),
    );
    for (const [index, after] of inByteOrder.entries()) {
      const rest = await collect(store.list('order/', { after }));
      expect(rest.map(({ key }) => key)).toEqual(inByteOrder.slice(index + 1));
    }
    // A cursor need not be a key that is there.
    const rest = await collect(store.list('order/', { after: 'order/a-b/d' }));
    expect(rest.map(({ key }) => key)).toEqual(inByteOrder.filter((key) => key > 'order/a-b/d'));
  });

  test('lists a prefix up to its boundary and no further', async () => {
    await inParallel(['bound/in/x', 'bound/inner/x', 'bound/in.x'], 3, (key) => store.put(key, ''));
    const keysBelow = async (prefix: string) =>
      (await collect(store.list(prefix))).map(({ key }) => key);
    expect(await keysBelow('bound/in/')).toEqual(['bound/in/x']);
    expect(await keysBelow('bound/nothing/')).toEqual([]);
    for (const prefix of ['bound/in', '../', '/', 'a//', 'a/../']) {
      await expect(collect(store.list(prefix))).rejects.toMatchObject({ code: 'invalid_input' });
    }
  });

  test.skipIf(!sortsByByte)('folders are listed by name, however full they are', async () => {
    const full = Array.from({ length: 1_100 }, (_, i) => `names/b/${String(i).padStart(5, '0')}`);
    const others = [
      'names/a/x',
      'names/b-c/x',
      'names/b0/😀/x',
      'names/c/d/e',
      'names/file',
      'name',
    ];
    await inParallel([...full, ...others], 32, (key) => store.put(key, ''));
    expect(await collect(listFolders(store, 'names/'))).toEqual(['a', 'b-c', 'b', 'b0', 'c']);
    expect(await collect(listFolders(store, 'names/none/'))).toEqual([]);
  });

  test('lists beyond one page, from anywhere', async () => {
    const keys = Array.from({ length: 1_203 }, (_, i) => `many/${String(i).padStart(5, '0')}`);
    await inParallel(keys, 32, (key) => store.put(key, '.'));
    expect((await collect(store.list('many/'))).map(({ key }) => key)).toEqual(keys);
    const rest = await collect(store.list('many/', { after: 'many/00100' }));
    expect(rest.map(({ key }) => key)).toEqual(keys.slice(101));
  });

  test('takes spaces, unicode and what needs escaping in URLs', async () => {
    const keys = [
      'odd/a b',
      'odd/a+b',
      'odd/ü/日本',
      'odd/%2e%2e',
      'odd/a&b=c?d#e',
      'odd/\'"<>',
      'odd/.x',
      'odd/..y',
    ];
    await inParallel(keys, 4, (key) => store.put(key, key));
    for (const key of keys) expect((await store.get(key)).toString()).toBe(key);
    const listed = (await collect(store.list('odd/'))).map(({ key }) => key);
    expect(listed.sort()).toEqual([...keys].sort());
  });

  const refused = [
    '',
    '../x',
    '/x',
    'a//b',
    'a/../b',
    'a/./b',
    'a/',
    'a\\b',
    'a\0b',
    'a\nb',
    'x'.repeat(1025),
  ];
  test.each(refused)('refuses the key %j', async (key) => {
    const expected = { code: 'invalid_input' };
    await expect(call(() => store.put(key, 'x'))).rejects.toMatchObject(expected);
    await expect(call(() => store.putStream(key, Readable.from(['x'])))).rejects.toMatchObject(
      expected,
    );
    await expect(call(() => store.get(key))).rejects.toMatchObject(expected);
    await expect(call(() => store.stream(key))).rejects.toMatchObject(expected);
    await expect(call(() => store.head(key))).rejects.toMatchObject(expected);
    await expect(call(() => store.delete(key))).rejects.toMatchObject(expected);
  });

  test('reads half-open ranges, cut at the end', async () => {
    await store.put('ranged', '0123456789');
    const range = async (start: number, end: number) => {
      const { body, bytes } = await store.stream('ranged', { start, end });
      const found = (await read(body)).toString();
      expect(bytes).toBe(found.length);
      return found;
    };
    expect(await range(0, 1)).toBe('0');
    expect(await range(3, 7)).toBe('3456');
    expect(await range(8, 100)).toBe('89');
    expect(await range(10, 11)).toBe('');
    for (const [start, end] of [
      [3, 3],
      [4, 3],
      [-1, 3],
      [0.5, 3],
    ] as const) {
      await expect(range(start, end)).rejects.toMatchObject({ code: 'invalid_input' });
    }
    const missing = store.stream('ranged-not', { start: 0, end: 1 });
    await expect(missing).rejects.toMatchObject({ code: 'not_found' });
  });

  test('takes a stream of 20 MiB in parts', async () => {
    const chunk = randomBytes(1024 * 1024 - 7);
    const sent = createHash('sha256');
    async function* chunks(): AsyncGenerator<Buffer> {
      for (let index = 0; index < 20; index += 1) {
        sent.update(chunk);
        yield chunk;
      }
    }
    const { bytes } = await store.putStream('large', Readable.from(chunks()));
    expect(bytes).toBe(20 * chunk.length);
    const { body } = await store.stream('large');
    const received = createHash('sha256');
    for await (const part of body) received.update(part);
    expect(received.digest('hex')).toBe(sent.digest('hex'));
  });

  test.each([0, 1, 18])('stores nothing of a stream that fails after %i MiB', async (mebibytes) => {
    // Like a fault of the disk or the network, which it must not be taken for.
    const marks = { code: 'ENOENT', syscall: 'open', path: '/source' };
    const fault = Object.assign(new Error('the source broke'), marks);
    async function* chunks(): AsyncGenerator<Buffer> {
      for (let index = 0; index < mebibytes; index += 1) yield Buffer.alloc(1024 * 1024, 1);
      throw fault;
    }
    const before = `failing/${mebibytes}-old`;
    const fresh = `failing/${mebibytes}-new`;
    await store.put(before, 'old');
    await expect(store.putStream(before, Readable.from(chunks()))).rejects.toBe(fault);
    await expect(store.putStream(fresh, Readable.from(chunks()))).rejects.toBe(fault);
    expect((await store.get(before)).toString()).toBe('old');
    expect(await store.head(fresh)).toBeNull();
  });

  const again = { retry: partsMayWin ? 2 : 0 };
  test('lists a write that has begun and not ended, and takes it away', again, async () => {
    await store.delete('tenants/t/unfinished');
    let end = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      end = resolve;
    });
    async function* chunks(): AsyncGenerator<Buffer> {
      for (let part = 0; part < 3; part += 1) yield Buffer.alloc(8 * 1024 * 1024, part);
      await held;
    }
    const unfinished = (beforeMs: number) => collect(store.listUnfinished(beforeMs));
    const later = () => Date.now() + 60_000;
    const writing = store.putStream('tenants/t/unfinished', Readable.from(chunks()));
    const ended = writing.then(
      () => null,
      (error: unknown) => error,
    );
    try {
      await vi.waitFor(async () => expect(await unfinished(later())).toHaveLength(1), 10_000);
      // One that got bytes a moment ago is at work.
      expect(await unfinished(Date.now() - 60_000)).toEqual([]);
      const [write] = await unfinished(later());
      if (write === undefined) throw new Error('Expected a write');
      expect(write.activeMs).toBeGreaterThan(Date.now() - 60_000);
      await store.abortUnfinished(write);
      // S3 may still take a part that was on its way: the next round takes that away.
      await vi.waitFor(async () => {
        await store.abortUnfinished(write);
        expect(await unfinished(later())).toEqual([]);
      }, 10_000);
      end();
      expect(await ended).toMatchObject({ code: 'unavailable' });
      expect(await store.head('tenants/t/unfinished')).toBeNull();
      expect(await unfinished(later())).toEqual([]);
    } finally {
      end();
      await ended;
    }
  });

  test.each(['x', '../x', 'x/../../y', 'upload photos/x'])(
    'takes away no write that is called %j',
    async (id) => {
      await expect(store.abortUnfinished({ id, activeMs: 0 })).rejects.toThrow(/^Expected /);
    },
  );

  test('reads end with their signal, and say its reason', async () => {
    const large = Buffer.alloc(8 * 1024 * 1024, 1);
    await store.put('signals/one', large);
    await store.put('signals/two', 'two');
    const reason = new Error('nobody waits');
    const ended = AbortSignal.abort(reason);
    await expect(store.get('signals/one', ended)).rejects.toBe(reason);
    await expect(store.stream('signals/one', undefined, ended)).rejects.toBe(reason);
    await expect(store.head('signals/one', ended)).rejects.toBe(reason);
    await expect(collect(store.list('signals/', { signal: ended }))).rejects.toBe(reason);
    const early = new AbortController();
    const opening = store.stream('signals/one', undefined, early.signal);
    early.abort(reason);
    await expect(opening).rejects.toBe(reason);
    const ending = new AbortController();
    const { body } = await store.stream('signals/one', undefined, ending.signal);
    const reading = body.toArray();
    ending.abort(reason);
    await expect(reading).rejects.toThrow();
    expect(body.destroyed).toBe(true);
    // One whose body nobody reads yet ends without an unhandled error.
    const leaving = new AbortController();
    const unread = readUntil(store, leaving.signal);
    const waiting = await unread.stream('signals/one');
    leaving.abort(reason);
    await vi.waitFor(() => expect(waiting.body.destroyed).toBe(true));
    await expect(unread.get('signals/two')).rejects.toBe(reason);
    expect((await store.get('signals/one', new AbortController().signal)).equals(large)).toBe(true);
  });

  test('never mixes puts of one key', async () => {
    const bodies = Array.from({ length: 8 }, (_, i) => Buffer.alloc(300_000 + i, 97 + i));
    await store.put('contested', bodies[0] ?? '');
    const putting = Promise.all(bodies.map((body) => store.put('contested', body)));
    for (let reads = 0; reads < 10; reads += 1) {
      const found = await store.get('contested');
      expect(bodies.some((body) => body.equals(found))).toBe(true);
    }
    await putting;
    const final = await store.get('contested');
    expect(bodies.some((body) => body.equals(final))).toBe(true);
  });

  test('checks itself, and leaves nothing behind', async () => {
    await store.check();
    expect(await collect(store.list('.health/'))).toEqual([]);
  });

  test('is unavailable when it cannot be written', async () => {
    const { broken } = driver;
    await expect(broken.check()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(broken.put('a/b', 'x')).rejects.toMatchObject({ code: 'unavailable' });
    const streamed = broken.putStream('a/b', Readable.from(['x']));
    await expect(streamed).rejects.toMatchObject({ code: 'unavailable' });
  });
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function read(body: Readable): Promise<Buffer> {
  return Buffer.concat(await collect(body));
}

/** A refusal may be thrown or rejected: callers await either way. */
async function call<T>(work: () => Promise<T>): Promise<T> {
  return work();
}

async function inParallel<T>(
  items: readonly T[],
  inferenceThreads: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const waiting = items.values();
  const thread = async () => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: inferenceThreads }, thread));
}
