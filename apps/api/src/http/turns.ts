/** Runs work, a number of pieces at once, in the order in which it is given. */
export type Semaphore = <T>(work: () => Promise<T>) => Promise<T>;

/** @param atOnce An integer >= 1. */
export function createSemaphore(atOnce: number): Semaphore {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      // Its place goes to the next one, which is counted already.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
