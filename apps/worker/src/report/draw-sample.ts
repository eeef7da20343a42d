import { createRandom } from '@umbra/shared/random';

/** A bounded sample of values that come one after the other. */
export type Sample<T> = {
  add(value: T): void;
  /** As many as there is room for, each value as likely; in no order. */
  values(): readonly T[];
};

/**
 * Draw at most so many of a stream of values.
 *
 * @see Vitter, Random sampling with a reservoir, ACM TOMS 11 (1985), algorithm R.
 */
export function createSample<T>(size: number, seed: number): Sample<T> {
  const random = createRandom(seed);
  const drawn: T[] = [];
  let seen = 0;
  return {
    values: () => drawn,
    add(value) {
      seen += 1;
      if (drawn.length < size) {
        drawn.push(value);
        return;
      }
      const place = random.below(seen);
      if (place < size) drawn[place] = value;
    },
  };
}
