import { at } from '@umbra/shared/assert';
import { AppError } from '@umbra/shared/errors';
import type { Redis } from 'ioredis';
import { redisPrefix } from '../queues/names.js';
import type { ObjectStore } from '../store/store.js';
import {
  countDatasets,
  countJobs,
  isDatasetGone,
  isJobGone,
  openPartOf,
} from '../tenancy/count-usage.js';
import type { Quotas } from '../tenancy/tenant.js';
import { redisTimeMs } from './redis-time.js';

/** What a dataset takes. */
export type Stored = { readonly images: number; readonly bytes: number };
export type Usage = Stored & {
  readonly positionsInFlight: number;
  readonly jobs: number;
  readonly openDatasets: number;
};

/**
 * What tenants hold, in Redis: a field a dataset and a job, so that saying a thing twice counts once
 * and nothing drifts. It is made from the store when Redis was lost, and anew now and then.
 *
 * A tenant without limits has no book: there is nothing to hold it to.
 */
export type UsageLedger = {
  /**
   * Say what a dataset takes, in place of what was said before; or what one request's part of an open
   * one does, by `<dataset>.<part>`.
   *
   * @throws {AppError} `quota_exceeded`, and then what was said before stays.
   */
  reserveDataset(tenant: string, quotas: Quotas, id: string, stored: Stored): Promise<void>;
  /** Count a dataset as open, until it is complete or released. @throws {AppError} `quota_exceeded` */
  openDataset(tenant: string, quotas: Quotas, id: string): Promise<void>;
  /** Say what a dataset takes that is complete, and that its parts are no more. Nothing is refused. */
  completeDataset(tenant: string, quotas: Quotas, id: string, stored: Stored): Promise<void>;
  /** Release a dataset with all its parts. */
  releaseDataset(tenant: string, id: string): Promise<void>;
  /** Count a job and its positions. @throws {AppError} `quota_exceeded` */
  reserveJob(tenant: string, quotas: Quotas, id: string, positions: number): Promise<void>;
  releaseJob(tenant: string, id: string): Promise<void>;
  /** What a tenant with these quotas holds; zeros where it has no limit. */
  read(tenant: string, quotas: Quotas): Promise<Usage>;
};

type Holding = 'datasets' | 'jobs';
/** What is asked of one resource; a null limit is none. */
type Demand = { readonly amount: number; readonly limit: number | null };
type NamedDemand = Demand & { readonly name: string };

/** What was written while Redis was away, or by a process that died, is put right after this. */
const bookSeconds = 24 * 3600;
/** A refusal may rest on what is gone: the store is asked first, at most this often. */
const recountMs = { datasets: 30_000, jobs: 5_000 };
/**
 * KEYS: fields, mark. ARGV: field, then an amount and a limit for each resource.
 * Answers {1 if booked, age of the count or -1, what the others use}.
 */
const reserve = `
local made = redis.call('GET', KEYS[2])
if not made then return {0, -1} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local width = (#ARGV - 1) / 2
local used = {}
for i = 1, width do used[i] = 0 end
local fields = redis.call('HGETALL', KEYS[1])
for at = 1, #fields, 2 do
  if fields[at] ~= ARGV[1] then
    local i = 0
    for amount in string.gmatch(fields[at + 1], '%d+') do
      if i > 0 and i <= width then used[i] = used[i] + tonumber(amount) end
      i = i + 1
    end
  end
end
local fits = 1
local value = string.format('%.0f', now)
for i = 1, width do
  local amount, limit = ARGV[2 * i], tonumber(ARGV[1 + 2 * i])
  -- Who asks for none of a resource is not held to it.
  if limit >= 0 and tonumber(amount) > 0 and used[i] + tonumber(amount) > limit then fits = 0 end
  value = value .. ' ' .. amount
end
if fits == 1 and ARGV[1] ~= '' then redis.call('HSET', KEYS[1], ARGV[1], value) end
local answer = {fits, now - tonumber(made)}
for i = 1, width do answer[2 + i] = string.format('%.0f', used[i]) end
return answer`;

export function createUsageLedger(redis: Redis, store: ObjectStore): UsageLedger {
  const root = (tenant: string) => `${redisPrefix}:usage:${tenant}`;
  const fieldsOf = (tenant: string, kind: Holding) => `${root(tenant)}:${kind}`;
  const markOf = (tenant: string, kind: Holding) => `${root(tenant)}:${kind}-counted`;
  const counters = { datasets: countDatasets, jobs: countJobs };
  const goneChecks = { datasets: isDatasetGone, jobs: isJobGone };

  /** Write what the store has, and remove what it has no more. */
  const recount = async (tenant: string, kind: Holding): Promise<void> => {
    const key = fieldsOf(tenant, kind);
    const now = await redisTimeMs(redis);
    const booked = await redis.hgetall(key);
    const timeOf = (id: string) => Number(booked[id]?.split(' ')[0] ?? now);
    const left = new Set(Object.keys(booked));
    for await (const { id, amounts, grows = false } of counters[kind](store, tenant)) {
      const [, ...before] = booked[id]?.split(' ').map(Number) ?? [now, ...amounts.map(() => 0)];
      // What grows has booked more than is written as yet; what was not booked holds what is written.
      // A version before counted fewer resources.
      const reservedOf = (index: number) => before[index] ?? 0;
      const held = grows ? amounts.map((one, index) => Math.max(one, reservedOf(index))) : amounts;
      await redis.hset(key, id, [timeOf(id), ...held].join(' '));
      left.delete(id);
    }
    for (const id of left) {
      if (await goneChecks[kind](store, tenant, id, now - timeOf(id))) await redis.hdel(key, id);
    }
    await redis.set(markOf(tenant, kind), now, 'EX', bookSeconds);
  };

  const attempt = async (
    tenant: string,
    kind: Holding,
    field: string,
    asked: readonly Demand[],
  ) => {
    // Lua has no null: -1 stands for no limit.
    const pairs = asked.flatMap(({ amount, limit }) => [amount, limit ?? -1]);
    const keys = [fieldsOf(tenant, kind), markOf(tenant, kind)];
    const answer = await redis.eval(reserve, 2, ...keys, field, ...pairs);
    const [fits, age, ...used] = (answer as (number | string)[]).map(Number);
    return { fits: fits === 1, age: age as number, used };
  };

  const book = async (tenant: string, kind: Holding, field: string, asked: readonly Demand[]) => {
    const first = await attempt(tenant, kind, field, asked);
    if (first.fits || (first.age >= 0 && first.age < recountMs[kind])) return first;
    await recount(tenant, kind);
    return attempt(tenant, kind, field, asked);
  };

  /** Reserve what is asked of some resources; none is counted where none has a limit. */
  const reserveAll = async (
    tenant: string,
    kind: Holding,
    field: string,
    asked: readonly NamedDemand[],
  ): Promise<void> => {
    if (asked.every(({ limit }) => limit === null)) return forget(tenant, kind);
    const { fits, used } = await book(tenant, kind, field, asked);
    if (!fits) throw refusal(asked, used);
  };

  const partsOf = async (tenant: string, id: string): Promise<string[]> => {
    const fields = await redis.hkeys(fieldsOf(tenant, 'datasets'));
    return fields.filter((field) => field.startsWith(`${id}.`));
  };

  /** The next limit begins with a count of the store. */
  const forget = async (tenant: string, kind: Holding): Promise<void> => {
    const gone = redis.del(markOf(tenant, kind), fieldsOf(tenant, kind));
    await gone.catch(() => undefined);
  };

  return {
    reserveDataset: (tenant, quotas, id, stored) =>
      reserveAll(tenant, 'datasets', id, [
        { name: 'images', amount: stored.images, limit: quotas.images },
        { name: 'bytes', amount: stored.bytes, limit: quotas.bytes },
        { name: 'open datasets', amount: 0, limit: quotas.openDatasets },
      ]),
    openDataset: (tenant, quotas, id) =>
      reserveAll(tenant, 'datasets', openPartOf(id), [
        { name: 'images', amount: 0, limit: quotas.images },
        { name: 'bytes', amount: 0, limit: quotas.bytes },
        { name: 'open datasets', amount: 1, limit: quotas.openDatasets },
      ]),
    async completeDataset(tenant, { images, bytes, openDatasets }, id, stored) {
      if ([images, bytes, openDatasets].every((one) => one === null)) {
        return forget(tenant, 'datasets');
      }
      const key = fieldsOf(tenant, 'datasets');
      const parts = await partsOf(tenant, id);
      const now = await redisTimeMs(redis);
      const whole = redis.multi().hset(key, id, `${now} ${stored.images} ${stored.bytes}`);
      if (parts.length > 0) whole.hdel(key, ...parts);
      await whole.exec();
    },
    async releaseDataset(tenant, id) {
      await redis.hdel(fieldsOf(tenant, 'datasets'), id, ...(await partsOf(tenant, id)));
    },
    reserveJob: (tenant, quotas, id, positions) =>
      reserveAll(tenant, 'jobs', id, [
        { name: 'positions in flight', amount: positions, limit: quotas.positionsInFlight },
        { name: 'jobs that have not ended', amount: 1, limit: quotas.jobs },
      ]),
    async releaseJob(tenant, id) {
      await redis.hdel(fieldsOf(tenant, 'jobs'), id);
    },
    async read(tenant, limits) {
      const held = async (kind: Holding, resources: number): Promise<readonly number[]> => {
        const nothing = Array<Demand>(resources).fill({ amount: 0, limit: null });
        return (await book(tenant, kind, '', nothing)).used;
      };
      const usage = { images: 0, bytes: 0, positionsInFlight: 0, jobs: 0, openDatasets: 0 };
      if (limits.images !== null || limits.bytes !== null || limits.openDatasets !== null) {
        const used = await held('datasets', 3);
        usage.images = at(used, 0);
        usage.bytes = at(used, 1);
        usage.openDatasets = at(used, 2);
      }
      if (limits.positionsInFlight !== null || limits.jobs !== null) {
        const used = await held('jobs', 2);
        usage.positionsInFlight = at(used, 0);
        usage.jobs = at(used, 1);
      }
      return usage;
    },
  };
}

function refusal(asked: readonly NamedDemand[], used: readonly number[]): AppError {
  const broken = asked.flatMap(({ name, amount, limit }, index) => {
    const held = at(used, index);
    if (limit === null || amount === 0 || held + amount <= limit) return [];
    return [`${name}: at most ${limit}, of which ${held} are used, and ${amount} were asked for`];
  });
  return new AppError('quota_exceeded', `Beyond the quota of ${broken.join('; ')}`);
}
