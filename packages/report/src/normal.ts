import { createRandom } from '@umbra/shared/random';

/** Numbers of the standard normal distribution, which follow from a seed (Box & Muller 1958). */
export function createNormal(seed: number): () => number {
  const { uniform } = createRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
