/** Remembers a bounded number of values, each for a short time. */
export type TtlCache<T> = {
  /** @returns undefined for what is not remembered. */
  get(name: string): T | undefined;
  /** @param sinceMs When the value was asked for, by `performance.now()`. */
  set(name: string, value: T, sinceMs: number): void;
  delete(name: string): void;
};

export function createTtlCache<T>({
  freshMs,
  kept,
}: {
  readonly freshMs: number;
  readonly kept: number;
}): TtlCache<T> {
  /** In the order they were set, which is nearly that of their age. */
  const values = new Map<string, { readonly value: T; readonly sinceMs: number }>();
  return {
    get(name) {
      const found = values.get(name);
      if (found === undefined) return undefined;
      if (performance.now() - found.sinceMs < freshMs) return found.value;
      values.delete(name);
      return undefined;
    },
    delete: (name) => void values.delete(name),
    set(name, value, sinceMs) {
      values.delete(name);
      values.set(name, { value, sinceMs });
      for (const oldest of values.keys()) {
        if (values.size <= kept) break;
        values.delete(oldest);
      }
    },
  };
}
