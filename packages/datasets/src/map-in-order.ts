/**
 * Work on several values at once, and give the results in the order of the values.
 *
 * What is known at once costs no promise. The first failure ends it; the work that runs by then is
 * not waited for.
 *
 * @param atOnce An integer >= 1.
 */
export async function* mapInOrder<T, R>(
  values: AsyncIterable<T>,
  atOnce: number,
  work: (value: T) => R | Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  for await (const value of values) {
    const result = work(value);
    if (!(result instanceof Promise)) {
      while (running.length > 0) yield await (running.shift() as Promise<R>);
      yield result;
      continue;
    }
    // It is heard when its turn comes; until then it must not count as unhandled.
    result.catch(() => undefined);
    running.push(result);
    if (running.length >= atOnce) yield await (running.shift() as Promise<R>);
  }
  for (const promise of running) yield await promise;
}
