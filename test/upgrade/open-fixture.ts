import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { Redis } from 'ioredis';
import { extract } from 'tar-stream';

/** An image's files by their sha256, and its description. */
export type ExpectedImage = {
  readonly files: Readonly<Record<string, string>>;
  readonly result: Readonly<Record<string, unknown>> & { readonly files: readonly string[] };
};

export type ExpectedJob = {
  readonly id: string;
  readonly stateWhenKilled: string;
  readonly archives?: Readonly<Record<string, string>>;
  readonly images: Readonly<Record<string, ExpectedImage>>;
};

/** `expected.json`, as `make.mjs` writes it. */
export type Expected = {
  readonly tenant: string;
  readonly keys: Readonly<Record<'submit' | 'read' | 'revoked' | 'replaced', string>>;
  readonly datasets: Readonly<Record<string, string>>;
  readonly open: { readonly id: string; readonly upload: string; readonly archive: string };
  readonly idempotency: { readonly key: string; readonly request: Record<string, unknown> };
  /** When the explained image's results may be deleted: an hour after it was finished. */
  readonly explainedUntil: string;
  readonly webhook: { readonly url: string; readonly secret: string };
  readonly jobs: Readonly<Record<string, ExpectedJob>>;
};

const file = (name: string) => new URL(name, import.meta.url);

export const readExpected = async (): Promise<Expected> =>
  JSON.parse(await readFile(file('expected.json'), 'utf8')) as Expected;

/**
 * Unpack the store as it was left, but for two things: webhooks go to `hook`, since their receiver is
 * gone, and all times are moved, so that an hour has passed since on any date that this runs.
 *
 * @returns The keys of its objects.
 */
export async function unpackStore(folder: string, hook: string): Promise<ReadonlySet<string>> {
  const expected = await readExpected();
  const byMs = msSince(expected);
  const store = createFsStore(folder);
  const keys = new Set<string>();
  const unpack = extract();
  unpack.on('entry', async (header, stream, next) => {
    try {
      const bytes = Buffer.concat((await Readable.from(stream).toArray()) as Buffer[]);
      const key = moveTimes(header.name, byMs);
      const isRecord = key.endsWith('.json');
      const text = moveTimes(bytes.toString().replaceAll(expected.webhook.url, hook), byMs);
      await store.put(key, isRecord ? text : bytes);
      keys.add(key);
      next();
    } catch (error) {
      next(error instanceof Error ? error : new Error(String(error)));
    }
  });
  const packed = Readable.from([await readFile(file('store.tar.gz'))]);
  await pipeline(packed, createGunzip(), unpack);
  return keys;
}

/** From when an hour had passed until now, ms. */
const msSince = ({ explainedUntil }: Expected): number => Date.now() - Date.parse(explainedUntil);

const moveTimes = (text: string, byMs: number): string =>
  text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (time) =>
    new Date(Date.parse(time) + byMs).toISOString(),
  );

type Bytes = string | { readonly base64: string };
type DumpedKey = { readonly key: string; readonly ttlMs: number | null } & (
  | { readonly type: 'string'; readonly value: Bytes }
  | { readonly type: 'hash'; readonly value: Readonly<Record<string, string>> }
  | { readonly type: 'list' | 'set' | 'zset'; readonly value: readonly string[] }
  | { readonly type: 'stream'; readonly value: readonly (readonly [string, readonly string[]])[] }
);

/**
 * Fill a Redis with what another one held, with its times moved as those of the store. What was to
 * expire has as long as it had then; what was to wait has waited.
 */
export async function fillRedis(url: string): Promise<void> {
  const text = await readFile(file('redis-dump.json'), 'utf8');
  const dump = JSON.parse(moveTimes(text, msSince(await readExpected()))) as DumpedKey[];
  const redis = new Redis(url);
  // At once: nobody may see a part of it.
  const all = redis.multi();
  for (const { key, ttlMs, ...rest } of dump) {
    if (rest.type === 'string') {
      const { value } = rest;
      all.set(key, typeof value === 'string' ? value : Buffer.from(value.base64, 'base64'));
    } else if (rest.type === 'hash') {
      all.hset(key, rest.value);
    } else if (rest.type === 'list') {
      all.rpush(key, ...rest.value);
    } else if (rest.type === 'set') {
      all.sadd(key, ...rest.value);
    } else if (rest.type === 'zset') {
      const isDue = key.endsWith(':delayed');
      all.zadd(key, ...scoresFirst(rest.value, isDue));
    } else if (rest.type === 'stream') {
      for (const [id, fields] of rest.value) all.xadd(key, id, ...fields);
    }
    if (ttlMs !== null) all.pexpire(key, ttlMs);
  }
  for (const [error] of (await all.exec()) ?? []) if (error !== null) throw error;
  redis.disconnect();
}

/** Redis tells each member before its score, and is told them the other way round. */
const scoresFirst = (pairs: readonly string[], isDue: boolean): string[] =>
  pairs.flatMap((member, at) => {
    const score = isDue ? '0' : (pairs[at + 1] ?? '0');
    return at % 2 === 0 ? [score, member] : [];
  });
