import { AppError } from '@umbra/shared/errors';

const cancelled = (): AppError => new AppError('cancelled', 'The run was cancelled');

/** @throws {AppError} `cancelled` if the signal has come. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled();
}

/**
 * The same for another thread, which sees no signal but a shared number.
 *
 * @param stop int32 [1], not 0 once the run is to stop.
 */
export function throwIfStopped(stop: Int32Array): void {
  if (Atomics.load(stop, 0) !== 0) throw cancelled();
}

/**
 * Settle as `work` does, or with `cancelled` as soon as the signal comes.
 *
 * The work itself goes on to its end: a native call cannot be cut short, and one batch of a large
 * network may take seconds.
 */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(cancelled());
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
