import { createRandom } from '@umbra/shared/random';

/** MurmurHash3's last step: every bit of 32 depends on every other. */
export function mixBits(bits: number): number {
  let mixed = bits | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** A number of 32 bits that looks random and follows from a text and a seed (FNV-1a, then mixed). */
export function hashText(text: string, seed: number): number {
  let hash = mixBits(seed ^ 0x811c9dc5);
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return mixBits(hash);
}

/** A text's place in a seeded order, in [0, 1): the first n by it are a random sample, whatever order they come in. */
export const rankOf = (text: string, seed: number): number =>
  (hashText(text, seed) + hashText(text, ~seed) / 2 ** 32) / 2 ** 32;

/** Replicates of a bootstrap. */
export const replicates = 400;

/** P(X <= k) of the Poisson distribution of mean 1: beyond, nothing is left of 32 bits. */
const poisson = cumulativePoisson();

function cumulativePoisson(): Float64Array {
  let [term, sum] = [Math.exp(-1), 0];
  return Float64Array.from({ length: 12 }, (_, k) => {
    sum += term;
    term /= k + 1;
    return sum;
  });
}

/**
 * Draw an image's weights in a bootstrap, one a replicate, of the Poisson distribution of mean 1. They follow from
 * the seed and the image alone, so that images may come in any order, one by one.
 *
 * @returns Of the image that was asked for last: the array is used again.
 * @see Chamandy, Muralidharan, Najmi, Naidu, "Estimating Uncertainty for Massive Data Streams", Google, 2012.
 */
export function createWeights(seed: number): (id: string) => Uint8Array {
  const weights = new Uint8Array(replicates);
  return (id) => {
    const { uniform } = createRandom(hashText(id, seed));
    for (let i = 0; i < replicates; i++) {
      const place = uniform();
      let weight = 0;
      // Hot: the last of the limits is 1, but for rounding.
      while (weight < 11 && place >= (poisson[weight] as number)) weight += 1;
      weights[i] = weight;
    }
    return weights;
  };
}
