// What Redis holds, as plain JSON: any server of any version can be filled with it again.

/** Bytes that are text stay readable. */
const encode = (/** @type {Buffer} */ bytes) => {
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? text : { base64: bytes.toString('base64') };
};

/** @typedef {{ key: string, type: string, ttlMs: number | null, value: unknown }} DumpedKey */

/** @type {Record<string, (redis: any, key: string) => Promise<unknown>>} */
const readers = {
  string: async (redis, key) => encode(await redis.getBuffer(key)),
  hash: (redis, key) => redis.hgetall(key),
  list: (redis, key) => redis.lrange(key, 0, -1),
  set: async (redis, key) => (await redis.smembers(key)).sort(),
  zset: (redis, key) => redis.zrange(key, 0, -1, 'WITHSCORES'),
  stream: (redis, key) => redis.xrange(key, '-', '+'),
};

/**
 * @param {any} redis
 * @returns {Promise<DumpedKey[]>} in the order of the keys
 */
export async function dumpRedis(redis) {
  const keys = (await redis.keys('*')).sort();
  return Promise.all(
    keys.map(async (/** @type {string} */ key) => {
      const type = await redis.type(key);
      const read = readers[type];
      if (read === undefined)
        throw new Error(`Expected '${key}' to be of a known type, got ${type}`);
      const [ttlMs, value] = await Promise.all([redis.pttl(key), read(redis, key)]);
      return { key, type, ttlMs: ttlMs < 0 ? null : ttlMs, value };
    }),
  );
}

/**
 * A line a key, so that two dumps can be compared.
 *
 * @param {readonly DumpedKey[]} dump
 */
export const formatDump = (dump) => `[\n${dump.map((one) => JSON.stringify(one)).join(',\n')}\n]\n`;
