import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { unavailable } from '@umbra/shared/errors';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFsStore } from './fs-store.js';

let folder: string;
let root: string;
let outside: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-fs-'));
  root = join(folder, 'objects');
  outside = join(folder, 'outside');
  await mkdir(root);
  await mkdir(outside);
  await writeFile(join(outside, 'secret'), 'secret');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const keysOf = async (prefix = ''): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { key } of createFsStore(root).list(prefix)) keys.push(key);
  return keys;
};

describe('links that lead out of the store', () => {
  const refused = { code: 'invalid_input' };

  test('are refused for every operation, by folder and by file', async () => {
    await symlink(outside, join(root, 'folder'));
    await symlink(join(outside, 'secret'), join(root, 'file'));
    const store = createFsStore(root);
    for (const key of ['folder/secret', 'file']) {
      await expect(store.get(key)).rejects.toMatchObject(refused);
      await expect(store.stream(key)).rejects.toMatchObject(refused);
      await expect(store.head(key)).rejects.toMatchObject(refused);
      await expect(store.delete(key)).rejects.toMatchObject(refused);
    }
    await expect(store.put('folder/secret', 'x')).rejects.toMatchObject(refused);
    await expect(keysOf('folder/')).rejects.toMatchObject(refused);
    expect(await keysOf()).toEqual([]);
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret');
  });

  test('are refused before a folder is made out there', async () => {
    await symlink(outside, join(root, 'folder'));
    await expect(createFsStore(root).put('folder/new/x', 'x')).rejects.toMatchObject(refused);
    expect(await readdir(outside)).toEqual(['secret']);
  });
});

test('the root may itself be a link', async () => {
  await symlink(root, join(folder, 'link'));
  const store = createFsStore(join(folder, 'link'));
  await store.put('a/b', 'x');
  expect((await store.get('a/b')).toString()).toBe('x');
});

test('half-written objects are neither listed nor reachable, and do not stay', async () => {
  const store = createFsStore(root);
  const broken = Readable.from(
    (async function* () {
      yield 'half';
      expect((await readdir(join(root, '.tmp'))).length).toBe(1);
      expect(await keysOf()).toEqual([]);
      throw new Error('the source broke');
    })(),
  );
  await expect(store.putStream('a', broken)).rejects.toThrow('the source broke');
  expect(await readdir(join(root, '.tmp'))).toEqual([]);
  await expect(store.put('.tmp/x', 'x')).rejects.toMatchObject({ code: 'invalid_input' });
});

test('a stream keeps to the bytes that were there when it was opened', async () => {
  const store = createFsStore(root);
  await store.put('a', 'first version');
  const { body, bytes } = await store.stream('a');
  await store.put('a', 'second');
  expect(bytes).toBe('first version'.length);
  expect(Buffer.concat(await body.toArray()).toString()).toBe('first version');
});

test('a folder that cannot be made is unavailable', async () => {
  const store = createFsStore('/proc/umbra/objects');
  await expect(store.check()).rejects.toMatchObject({ code: 'unavailable' });
  await expect(store.put('a', 'x')).rejects.toMatchObject({ code: 'unavailable' });
});

test('a name too long for a file is refused on writing and absent on reading', async () => {
  const store = createFsStore(root);
  const key = 'x'.repeat(300);
  await expect(store.put(key, 'x')).rejects.toMatchObject({ code: 'invalid_input' });
  expect(await store.head(key)).toBeNull();
});

test('an object cannot take a folder’s place', async () => {
  const store = createFsStore(root);
  await store.put('a/b', 'x');
  await expect(store.put('a', 'x')).rejects.toMatchObject({ code: 'unavailable' });
  expect((await store.get('a/b')).toString()).toBe('x');
});

describe('a volume that goes away', () => {
  const away = { code: 'unavailable' };
  const expectAway = async (store: ReturnType<typeof createFsStore>) => {
    await expect(store.get('a/b')).rejects.toMatchObject(away);
    await expect(store.head('a/none')).rejects.toMatchObject(away);
    await expect(store.delete('a/none')).rejects.toMatchObject(away);
    await expect(store.list('')[Symbol.asyncIterator]().next()).rejects.toMatchObject(away);
    await expect(store.put('a/c', 'x')).rejects.toMatchObject(away);
    await expect(store.check()).rejects.toMatchObject(away);
  };

  test.each(['no folder', 'an empty folder'])('and leaves %s is unavailable', async (left) => {
    const store = createFsStore(root);
    await store.put('a/b', 'x');
    await rename(root, `${root}-away`);
    if (left === 'an empty folder') await mkdir(root);
    await expectAway(store);
    // Nothing was made in its place.
    expect(await readdir(root).catch(() => [])).toEqual([]);
    await rm(root, { recursive: true, force: true });
    await rename(`${root}-away`, root);
    await store.check();
    expect(await keysOf()).toEqual(['a/b']);
  });

  test('and comes back restored from a copy is a store again', async () => {
    const store = createFsStore(root);
    await store.put('a/b', 'x');
    const copy = join(folder, 'copy');
    await cp(root, copy, { recursive: true });
    await createFsStore(copy).put('a/b', 'y');
    await rename(root, `${root}-away`);
    await expectAway(store);
    await rename(copy, root);
    expect((await store.get('a/b')).toString()).toBe('y');
  });

  test('stays away while its mount point is made another store', async () => {
    const store = createFsStore(root);
    await store.put('a/b', 'x');
    await rename(root, `${root}-away`);
    await createFsStore(root).put('a/other', 'y');
    await expectAway(store);
    await expect(store.check()).rejects.toThrow(/^Expected 'umbra-store.json' of store .*restart/);
    expect(await keysOf()).toEqual(['a/other']);
    await rm(root, { recursive: true });
    await rename(`${root}-away`, root);
    expect((await store.get('a/b')).toString()).toBe('x');
    await store.check();
  });

  test('in the middle of a list does not end the list', async () => {
    const store = createFsStore(root);
    for (const key of ['a/1', 'b/1']) await store.put(key, '');
    const listing = store.list('')[Symbol.asyncIterator]();
    expect((await listing.next()).value).toMatchObject({ key: 'a/1' });
    await rename(root, `${root}-away`);
    await expect(listing.next()).rejects.toMatchObject(away);
  });
});

test('a folder that may not become a store is unavailable, until it is one', async () => {
  const away = { code: 'unavailable', message: 'its volume is away' };
  const seen: string[] = [];
  const store = createFsStore(root, {
    permitNew: () => Promise.reject(unavailable('its volume is away')),
    admit: async (id) => {
      seen.push(id);
    },
  });
  await expect(store.get('a/b')).rejects.toMatchObject(away);
  await expect(store.head('a/b')).rejects.toMatchObject(away);
  await expect(store.list('')[Symbol.asyncIterator]().next()).rejects.toMatchObject(away);
  await expect(store.put('a/b', 'x')).rejects.toMatchObject(away);
  await expect(store.check()).rejects.toMatchObject(away);
  expect([await readdir(root), seen]).toEqual([[], []]);
  await createFsStore(root).put('a/b', 'y');
  expect((await store.get('a/b')).toString()).toBe('y');
  await store.check();
  const { id } = JSON.parse(await readFile(join(root, 'umbra-store.json'), 'utf8'));
  expect(new Set(seen)).toEqual(new Set([id]));
});

test('a store that is not the one that is meant is unavailable to whatever is asked', async () => {
  await createFsStore(root).put('a/b', 'x');
  let isMeant = false;
  const admit = async () => {
    if (!isMeant) throw unavailable('another store is meant');
  };
  const store = createFsStore(root, { admit });
  const refused = { code: 'unavailable', message: 'another store is meant' };
  await expect(store.get('a/b')).rejects.toMatchObject(refused);
  await expect(store.head('a/none')).rejects.toMatchObject(refused);
  await expect(store.list('')[Symbol.asyncIterator]().next()).rejects.toMatchObject(refused);
  await expect(store.put('a/b', 'y')).rejects.toMatchObject(refused);
  isMeant = true;
  expect((await store.get('a/b')).toString()).toBe('x');
});

test('a store of before has no marker, and is adopted by the first write', async () => {
  await mkdir(join(root, 'a'));
  await writeFile(join(root, 'a', 'b'), 'x');
  const stores = [createFsStore(root), createFsStore(root)];
  for (const store of stores) expect((await store.get('a/b')).toString()).toBe('x');
  await Promise.all(stores.map((store) => store.check()));
  for (const store of stores) await store.put('a/c', 'y');
  expect(await keysOf()).toEqual(['a/b', 'a/c']);
  await expect(stores[0]?.put('umbra-store.json', 'x')).rejects.toMatchObject({
    code: 'invalid_input',
  });
});
