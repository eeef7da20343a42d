export type OrderedOptions<R> = {
  /** Values worked on, or waiting to be taken, an integer >= 1. */
  readonly atOnce: number;
  /** No more is begun while what waits to be taken weighs more than this. */
  readonly maxWeight?: number;
  readonly weigh?: (result: R) => number;
};

/**
 * Work on several values at once, and give the results in the order of the values.
 *
 * What is held is bounded, by number and by weight: a slow taker stops the reading. What is known at
 * once costs no promise. The first failure ends it, once the work that runs by then has ended.
 */
export async function* mapInOrder<T, R>(
  values: AsyncIterable<T> | Iterable<T>,
  { atOnce, maxWeight = Number.POSITIVE_INFINITY, weigh = () => 0 }: OrderedOptions<R>,
  work: (value: T) => R | Promise<R>,
): AsyncGenerator<R> {
  const begun: (R | Promise<R>)[] = [];
  let weight = 0;
  const take = async (): Promise<R> => {
    const result = await (begun.shift() as R | Promise<R>);
    weight -= weigh(result);
    return result;
  };
  try {
    for await (const value of values) {
      const result = work(value);
      if (result instanceof Promise) {
        // It is heard when its turn comes; until then a failure must not count as unhandled.
        result.then(
          (ended) => {
            weight += weigh(ended);
          },
          () => undefined,
        );
      } else if (begun.length === 0) {
        yield result;
        continue;
      } else weight += weigh(result);
      begun.push(result);
      while (begun.length >= atOnce || (weight > maxWeight && begun.length > 0)) yield await take();
    }
    while (begun.length > 0) yield await take();
  } finally {
    await Promise.allSettled(begun);
  }
}
