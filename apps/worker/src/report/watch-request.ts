import { setMaxListeners } from 'node:events';
import { AppError } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';

/** How often work asks the store whether it is still wanted. */
const pollMs = 1_000;

/** A signal for work that somebody asked for: aborted when it is not wanted any more, or this process ends. */
export type RequestWatch = {
  readonly signal: AbortSignal;
  /** @throws {AppError} `cancelled` where it is not wanted any more. */
  check(): Promise<void>;
  stop(): void;
};

export function watchRequest(
  { shutdown }: Pick<WorkerServices, 'shutdown'>,
  isWanted: () => Promise<boolean>,
): RequestWatch {
  const unwanted = new AbortController();
  const reason = new AppError('cancelled', 'It is not wanted any more');
  const poll = async () => {
    if (!(await isWanted())) unwanted.abort(reason);
  };
  // A store that is away for a moment leaves it running.
  const timer = setInterval(() => poll().catch(() => undefined), pollMs);
  const signal = AbortSignal.any([shutdown, unwanted.signal]);
  // Everything in progress listens: many are no leak.
  setMaxListeners(0, signal);
  return {
    signal,
    async check() {
      await poll();
      if (unwanted.signal.aborted) throw reason;
    },
    stop: () => clearInterval(timer),
  };
}
