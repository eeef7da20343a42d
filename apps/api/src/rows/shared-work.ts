import { untilAborted } from '../http/until-aborted.js';

/** Work that all who ask for it meanwhile share. */
export type SharedWork = {
  /**
   * Take part in the work that runs, or begin it.
   *
   * @param work Heeds its signal, which is aborted once all who take part have left.
   * @throws The signal's reason; what the work throws.
   */
  join(signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void>;
};

type Running = { readonly done: Promise<void>; readonly ending: AbortController; waiting: number };

export function createSharedWork(): SharedWork {
  let current: Running | undefined;
  const begin = (work: (signal: AbortSignal) => Promise<void>): Running => {
    const ending = new AbortController();
    const done = work(ending.signal).finally(() => {
      if (current === running) current = undefined;
    });
    // Nobody may be left to hear of its failure.
    done.catch(() => undefined);
    const running: Running = { done, ending, waiting: 0 };
    return running;
  };
  return {
    async join(signal, work) {
      signal.throwIfAborted();
      // What was given up by all others ends first.
      while (current?.ending.signal.aborted) {
        await untilAborted(
          current.done.catch(() => undefined),
          signal,
        );
      }
      current ??= begin(work);
      const mine = current;
      mine.waiting += 1;
      try {
        await untilAborted(mine.done, signal);
      } finally {
        mine.waiting -= 1;
        if (mine.waiting === 0) mine.ending.abort(signal.reason);
      }
    },
  };
}
