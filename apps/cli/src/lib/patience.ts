import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isEnded, isOver, type UmbraClient, UmbraError, type WaitOptions } from '@umbra/client';
import { isAway } from './exit-codes.js';
import { say } from './terminal.js';

export type PatienceOptions = {
  /** Longest time without an answer. */
  readonly limitMs: number;
  /** Told that the service is away, and that it is back. */
  readonly report?: (words: string) => void;
};

const firstPauseMs = 250;
const maxPauseMs = 10_000;

/**
 * A client that waits for a service which answered once and then does not, with growing pauses, and
 * says so. What is asked before its first answer fails at once: the address may be wrong.
 */
export function waitForService(
  client: UmbraClient,
  { limitMs, report = say }: PatienceOptions,
): UmbraClient {
  let hasAnswered = false;
  const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await work();
        if (attempt > 0) report('The service answers again');
        hasAnswered = true;
        return answer;
      } catch (error) {
        const waitMs = Math.min(maxPauseMs, firstPauseMs * 2 ** attempt);
        if (!isPassing(error)) {
          hasAnswered = true;
          throw error;
        }
        const leftMs = startedAt + limitMs - performance.now();
        if (!hasAnswered || leftMs <= 0) throw error;
        if (attempt === 0) report(`${describe(error)}: trying again for ${describeMs(leftMs)}`);
        const askedMs = error instanceof UmbraError ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
        await sleep(Math.min(leftMs, Math.max(waitMs, askedMs)));
      }
    }
  };
  const getJob = (id: string) => patiently(() => client.getJob(id));
  const waitUntil = async <T>(
    isWanted: (status: T) => boolean,
    ask: () => Promise<T>,
    { onStatus, pollMs = 1_000, signal }: WaitOptions<T> = {},
  ): Promise<T> => {
    for (;;) {
      const status = await patiently(ask);
      onStatus?.(status);
      if (isWanted(status)) return status;
      await sleep(pollMs, undefined, signal && { signal });
    }
  };
  return {
    ...client,
    getJob,
    request: (path, init) => patiently(() => client.request(path, init)),
    // What breaks off leaves nothing behind.
    uploadImages: (images) => patiently(() => client.uploadImages(images)),
    // The same key gives the same job, should the answer get lost.
    createJob: (job, key = randomUUID()) => patiently(() => client.createJob(job, key)),
    cancelJob: (id) => patiently(() => client.cancelJob(id)),
    waitForJob: (id, options) => waitUntil(isEnded, () => client.getJob(id), options),
    // The same request joins the report that is being made.
    requestReport: (job, asked) => patiently(() => client.requestReport(job, asked)),
    getReportStatus: (job) => patiently(() => client.getReportStatus(job)),
    waitForReport: (job, options) => waitUntil(isOver, () => client.getReportStatus(job), options),
    getReport: (job) => patiently(() => client.getReport(job)),
    compareReports: (job, other) => patiently(() => client.compareReports(job, other)),
    waitForTrial: (job, id, options) => waitUntil(isOver, () => client.getTrial(job, id), options),
  };
}

const isPassing = (error: unknown): error is Error =>
  isAway(error) || (error instanceof UmbraError && error.code === 'rate_limited');

const describe = (error: Error): string =>
  error instanceof UmbraError && error.status === null
    ? 'The service does not answer'
    : `The service cannot answer now (${error.message})`;

const describeMs = (ms: number): string =>
  ms < 60_000 ? `${Math.ceil(ms / 1000)} s` : `${Math.ceil(ms / 60_000)} min`;
