import type { Finding } from '@umbra/shared/contracts/service-report';
import type { Redis } from 'ioredis';
import { clockFinding, ok, problem, warning } from './findings.js';

const maxSkewMs = 1_000;
/** Part of its memory above which Redis is nearly full. */
const fullShare = 0.8;

type Info = Readonly<Record<string, string>>;

/** Check Redis: its policy, memory, persistence and clock. */
export async function checkRedis(redis: Redis): Promise<readonly Finding[]> {
  const memory = parseInfo(await redis.info('memory'));
  const persistence = parseInfo(await redis.info('persistence'));
  const server = parseInfo(await redis.info('server'));
  const startMs = Date.now();
  const [seconds = 0, microseconds = 0] = (await redis.time()).map(Number);
  const middleMs = (startMs + Date.now()) / 2;
  const skewMs = seconds * 1000 + microseconds / 1000 - middleMs;
  return [
    ok('redis.version', server.redis_version ?? 'not told'),
    policyFinding(memory),
    memoryFinding(memory),
    persistenceFinding(persistence),
    clockFinding('redis.clock', { skewMs, limitMs: maxSkewMs }),
  ];
}

function policyFinding({ maxmemory_policy: policy = 'not told' }: Info): Finding {
  const check = 'redis.policy';
  if (policy === 'noeviction') return ok(check, policy);
  return problem({
    check,
    found: `maxmemory-policy is ${policy}`,
    meaning: 'Redis deletes queued work and locks when its memory is full, without a word',
    action: 'Set maxmemory-policy to noeviction',
  });
}

function memoryFinding({ used_memory, maxmemory }: Info): Finding {
  const check = 'redis.memory';
  const [used, max] = [Number(used_memory), Number(maxmemory)];
  const words = `${mebibytes(used)} used of ${max > 0 ? mebibytes(max) : 'no limit'}`;
  if (max === 0 || used / max < fullShare) return ok(check, words);
  return problem({
    check,
    found: words,
    meaning: 'Near its limit Redis refuses writes: nothing is queued until some of it is free',
    action: 'Give Redis more memory, or lower UMBRA_WINDOW_IMAGES',
  });
}

function persistenceFinding(info: Info): Finding {
  const check = 'redis.persistence';
  const failed = ['rdb_last_bgsave_status', 'aof_last_write_status', 'aof_last_bgrewrite_status']
    .filter((name) => (info[name] ?? 'ok') !== 'ok')
    .join(', ');
  if (failed !== '') {
    return problem({
      check,
      found: `${failed}: not ok`,
      meaning: 'Redis cannot write to its disk, and may refuse writes',
      action: "Look at Redis' log and its disk",
    });
  }
  if (info.aof_enabled === '1') return ok(check, 'append-only file');
  return warning({
    check,
    found: 'no append-only file',
    meaning:
      'A restart of Redis loses queued work; jobs resume from the store, the work of some seconds is done again',
    action: 'Set appendonly to yes',
  });
}

const parseInfo = (text: string): Info =>
  Object.fromEntries(
    text.split('\r\n').flatMap((line) => {
      const at = line.indexOf(':');
      return at === -1 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
    }),
  );

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MiB`;
