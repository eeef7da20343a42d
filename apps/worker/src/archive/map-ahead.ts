export type Ahead<R> = {
  /** Items worked on, or waiting to be taken. */
  readonly items: number;
  /** No more is begun while what waits to be taken weighs more than this. */
  readonly weight?: number;
  readonly weigh?: (result: R) => number;
};

/**
 * Map a sequence, several items at once, and give the results in the sequence's order.
 *
 * What is held is bounded, by number and by weight: a slow taker stops the reading.
 */
export async function* mapAhead<T, R>(
  source: AsyncIterable<T>,
  { items, weight = Number.POSITIVE_INFINITY, weigh = () => 0 }: Ahead<R>,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  const iterator = source[Symbol.asyncIterator]();
  let isOver = false;
  let held = 0;
  try {
    for (;;) {
      while (!isOver && begun.length < items && (held <= weight || begun.length === 0)) {
        const next = await iterator.next();
        isOver = next.done === true;
        if (next.done === true) break;
        const work = map(next.value);
        // Heard of when its turn comes; until then a failure must not count as unhandled.
        work.then(
          (result) => {
            held += weigh(result);
          },
          () => undefined,
        );
        begun.push(work);
      }
      const first = begun.shift();
      if (first === undefined) return;
      const result = await first;
      held -= weigh(result);
      yield result;
    }
  } finally {
    await Promise.allSettled(begun);
    await iterator.return?.();
  }
}
