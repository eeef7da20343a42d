import { at } from '@umbra/shared/assert';

type RankedItem<T> = { readonly rank: number; readonly item: T };
type Stratum<T> = { items: RankedItem<T>[]; seen: number; limit: number };

/** A random sample of each stratum, whose memory is bounded however many there are. */
export type StratifiedSample<K, T> = {
  /** @param rank In [0, 1), random, and of the item alone: see `rankOf`. The lowest are kept. */
  add(stratum: K, rank: number, item: T): void;
  /** Items of a stratum in the order of their ranks, and whether they are all that were added. */
  of(stratum: K): { readonly items: readonly T[]; readonly isAll: boolean };
  strata(): readonly K[];
};

/**
 * Keep the items of the lowest ranks of each stratum: at most `perStratum`, and as many as all strata together may
 * have, `total`, which halves the former until it holds. What is kept does not depend on the order of items.
 */
export function createStratifiedSample<K, T>(bounds: {
  readonly perStratum: number;
  readonly total: number;
}): StratifiedSample<K, T> {
  const found = new Map<K, Stratum<T>>();
  let share = bounds.perStratum;
  let held = 0;

  /** Sorting now and then is less work than keeping order. */
  const trim = (stratum: Stratum<T>) => {
    stratum.items.sort((a, b) => a.rank - b.rank);
    if (stratum.items.length <= share) return;
    stratum.items.length = share;
    stratum.limit = at(stratum.items, share - 1).rank;
  };
  const halve = () => {
    share = Math.max(1, Math.floor(share / 2));
    held = 0;
    for (const stratum of found.values()) {
      trim(stratum);
      held += stratum.items.length;
    }
  };
  const stratumOf = (key: K): Stratum<T> => {
    const known = found.get(key);
    if (known !== undefined) return known;
    const stratum = { items: [], seen: 0, limit: 1 };
    found.set(key, stratum);
    return stratum;
  };

  return {
    add(key, rank, item) {
      const stratum = stratumOf(key);
      stratum.seen += 1;
      if (rank >= stratum.limit) return;
      if (stratum.items.length < share) held += 1;
      stratum.items.push({ rank, item });
      if (stratum.items.length > share * 1.25 + 16) trim(stratum);
      while (held > bounds.total && share > 1) halve();
    },
    of(key) {
      const stratum = found.get(key);
      if (stratum === undefined) return { items: [], isAll: true };
      trim(stratum);
      return {
        items: stratum.items.map(({ item }) => item),
        isAll: stratum.items.length === stratum.seen,
      };
    },
    strata: () => [...found.keys()],
  };
}
