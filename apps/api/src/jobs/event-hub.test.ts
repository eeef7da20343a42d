import { createJobEventLog } from '@umbra/platform/redis/job-event-log';
import { newJobId } from '@umbra/shared/ids';
import { Redis } from 'ioredis';
import { expect, inject, test, vi } from 'vitest';
import { createEventHub } from './event-hub.js';

const counts = { total: 1, completed: 1, failed: 0 };
const ended = { state: 'completed', counts, error: null } as const;

test('a change of state is told of before its event, and where nobody follows the job', async () => {
  const redis = new Redis(inject('redisUrl'));
  const log = createJobEventLog(redis);
  const told: string[] = [];
  const hub = createEventHub(redis.duplicate(), (tenant, id) => told.push(`${tenant} ${id}`));
  const [followed, other] = [newJobId(), newJobId()];
  const ignore = () => undefined;
  try {
    await hub.follow('acme', followed, {
      ...{ lost: ignore, beat: ignore, end: ignore },
      event: ({ name }) => told.push(name),
    });
    await log.add('acme', followed, 'progress', { completed: 1, failed: 0, positions: 1 });
    await log.add('acme', followed, 'state', ended);
    await log.add('globex', other, 'state', ended);
    const own = () =>
      told.filter((text) => !text.includes(' ') || text.includes(followed) || text.includes(other));
    await vi.waitFor(() => expect(own()).toHaveLength(4), { timeout: 10_000 });
    expect(own()).toEqual(['progress', `acme ${followed}`, 'state', `globex ${other}`]);
  } finally {
    hub.close();
    redis.disconnect();
  }
});
