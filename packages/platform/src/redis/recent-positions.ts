/** Width of a bucket, s. */
const bucketSeconds = 2;
/** Buckets that count: those of the last minute. */
const maxBuckets = 30;
/** Fields of the ring: one more than count, since the current bucket is not full. */
const ringFields = maxBuckets + 1;
/** Time after the first bucket below which a rate says little, s. */
const minSeconds = 3;

/** Numbers that `countShardPositions` takes beside those of its call, in order. */
export const ringArguments: readonly number[] = [bucketSeconds, ringFields];

/**
 * Count the positions that a shard has finished so far, and note in a ring of buckets when they were.
 *
 * A shard that runs again, even after it was finished, counts only beyond what it had counted, and a command that is
 * sent twice counts once: how far each shard of an image was is kept until the image is finished, and nothing counts
 * after that.
 *
 * KEYS: progress, shards, ring, finished. ARGV: index of the image, first row of the shard, its positions so far, those
 * of them that are new to this run, seconds to keep the keys, and `ringArguments`.
 */
export const countShardPositions = `
if redis.call('GETBIT', KEYS[4], ARGV[1]) == 1 then return 0 end
local counted = cjson.decode(redis.call('HGET', KEYS[2], ARGV[1]) or '{}')
local done = tonumber(ARGV[3])
local more = done - (counted[ARGV[2]] or 0)
if more <= 0 then return 0 end
counted[ARGV[2]] = done
redis.call('HSET', KEYS[2], ARGV[1], cjson.encode(counted))
redis.call('EXPIRE', KEYS[2], ARGV[5])
redis.call('HINCRBY', KEYS[1], 'positions', more)
redis.call('EXPIRE', KEYS[1], ARGV[5])
local count = math.min(more, tonumber(ARGV[4]))
local bucket = math.floor(redis.call('TIME')[1] / ARGV[6])
local field = bucket % ARGV[7]
local old = redis.call('HGET', KEYS[3], field)
if old then
  local when, before = string.match(old, '^(%d+) (%d+)$')
  if tonumber(when) == bucket then count = count + before end
end
redis.call('HSET', KEYS[3], field, string.format('%d %d', bucket, count))
redis.call('EXPIRE', KEYS[3], ARGV[5])
return more`;

/**
 * Measure how fast positions were finished in the last minute.
 *
 * What the first bucket holds may have taken any time before it: the rate is of what came after, over the
 * time since.
 *
 * @param ring Fields of the ring: `BUCKET COUNT` each, in no order.
 * @param nowMs By the clock of Redis, ms since the epoch.
 * @returns Positions a second; null where too little was finished in that time.
 */
export function measureRate(ring: readonly string[], nowMs: number): number | null {
  const nowBucket = Math.floor(nowMs / 1000 / bucketSeconds);
  const recent = ring
    .map((field) => field.split(' ').map(Number))
    .filter(([bucket = 0, count = 0]) => bucket > nowBucket - maxBuckets && count > 0);
  const first = Math.min(...recent.map(([bucket = 0]) => bucket));
  const seconds = nowMs / 1000 - (first + 1) * bucketSeconds;
  const positions = recent.reduce(
    (sum, [bucket = 0, count = 0]) => sum + (bucket === first ? 0 : count),
    0,
  );
  return positions === 0 || seconds < minSeconds ? null : positions / seconds;
}
