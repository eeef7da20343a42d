import { setTimeout as sleep } from 'node:timers/promises';
import { isOutage } from '@umbra/platform/faults';
import { createCache } from '@umbra/shared/cache';
import {
  DelayedError,
  type Job,
  type JobJson,
  type Processor,
  Worker,
  type WorkerOptions,
} from 'bullmq';
import type { Redis } from 'ioredis';
import { giveBack } from './give-back.js';
import { createRedisClock, type RedisClock, useRedisClock } from './redis-clock.js';

/** Delay before a queue job that met an outage runs again: it doubles from the first to the last. */
export const putOffMs = { first: 500, last: 10_000 };
/** How long a result is held that Redis refuses; and how often it is offered. */
const offerMs = { total: 60_000, every: 500 };
/** Queue jobs whose outages are counted. */
const maxCounted = 10_000;
/**
 * Take back the stall of a queue job that its living worker suffers: it is counted, or will be, as the job is at work
 * and without a lock. It is neither where a renewal came too late for a job that had just been given back.
 */
const takeStallBack = `
local isCounted = tonumber(redis.call('HGET', KEYS[1], 'stc') or 0) > tonumber(ARGV[1])
local isLapsed = redis.call('EXISTS', KEYS[2]) == 0 and redis.call('LPOS', KEYS[3], ARGV[2])
if not isCounted and not isLapsed then return 0 end
redis.call('HINCRBY', KEYS[1], 'stc', -1)
return 1`;

/** Delay of the next run after so many outages in a row, with jitter, ms. */
export const outageDelayMs = (outages: number, chance = Math.random()): number =>
  Math.min(putOffMs.last, putOffMs.first * 2 ** outages) * (0.5 + chance / 2);

export type PatientOptions = WorkerOptions & {
  readonly connection: Redis;
  readonly onPutOff: (job: Job, error: Error) => void;
};

/**
 * A worker that puts queue jobs off which meet an outage of the store or of Redis. No attempt of theirs
 * is used, and a lock that was lost to the outage does not count as the loss of a process: at worst such
 * a job stalls, and runs again. Its delays are told by the clock of Redis.
 */
export class PatientWorker extends Worker {
  readonly #redis: Redis;
  readonly #clock: RedisClock;
  readonly #outages = createCache<number>({ maxEntries: maxCounted });
  readonly #onPutOff: (job: Job, error: Error) => void;
  /** Stalls of the queue jobs that run, from before they were taken up: until one of theirs is taken back. */
  readonly #stalls = new Map<string, number>();

  constructor(name: string, processor: Processor, { onPutOff, ...options }: PatientOptions) {
    super(name, processor, options);
    this.#redis = options.connection;
    this.#clock = createRedisClock(options.connection);
    useRedisClock(this.backend, this.#clock);
    this.#onPutOff = onPutOff;
    this.on('lockRenewalFailed', (ids) => void this.#takeStallsBack(ids));
  }

  protected override getBlockTimeout(blockUntil: number): number {
    return super.getBlockTimeout(blockUntil > 0 ? this.#clock.toOwn(blockUntil) : blockUntil);
  }

  /** Locks are renewed by the process's own clock. */
  protected override async nextJobFromJobData(
    data?: JobJson,
    ...rest: [id?: string, token?: string]
  ) {
    const own = data && { ...data, processedOn: Date.now() };
    const job = await super.nextJobFromJobData(own, ...rest);
    if (job?.id !== undefined) this.#stalls.set(job.id, job.stalledCounter);
    return job;
  }

  protected override async handleCompleted(...given: Parameters<Worker['handleCompleted']>) {
    const [, job, token] = given;
    const next = await this.#insist(job, token, () => super.handleCompleted(...given));
    this.#forget(job);
    this.#outages.delete(job.id ?? '');
    return next;
  }

  /** Every failure comes by here: of a run, and of a result that could not be reported. */
  protected override async handleFailed(...given: Parameters<Worker['handleFailed']>) {
    const [error, job, token, ...rest] = given;
    this.#forget(job);
    if (!isOutage(error)) return super.handleFailed(...given);
    const id = job.id ?? '';
    const outages = this.#outages.get(id) ?? 0;
    this.#outages.set(id, outages + 1);
    this.#onPutOff(job, error);
    const putOff = () => giveBack(job, token, outageDelayMs(outages));
    // Where even that is refused, the job's lock lapses: it stalls, and runs again.
    await this.#insist(job, token, putOff).catch(() => undefined);
    return super.handleFailed(new DelayedError(), job, token, ...rest);
  }

  /** Repeat what Redis refuses, and hold the job's lock meanwhile. */
  async #insist<T>(job: Job, token: string, work: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + offerMs.total;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isOutage(error) || this.closing !== undefined || Date.now() > deadline) throw error;
        this.lockManager.trackJob(job.id ?? '', token, Date.now());
        await sleep(offerMs.every);
        this.lockManager.untrackJob(job.id ?? '');
      }
    }
  }

  #forget(job: Job): void {
    this.#stalls.delete(job.id ?? '');
  }

  /** The next renewal fails too, and asks again. */
  async #takeStallsBack(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const before = this.#stalls.get(id);
      if (before === undefined) continue;
      const keys = [id, `${id}:lock`, 'active'].map((key) => this.toKey(key));
      const taken = await this.#redis.eval(takeStallBack, 3, ...keys, before, id).catch(() => 0);
      if (taken === 1) this.#stalls.delete(id);
    }
  }
}
