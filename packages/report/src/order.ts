import type { OrderCheck } from '@umbra/shared/contracts/report';
import { signFlipP } from './permutation.js';
import { bootstrapMean } from './resample.js';

/** Deletion and insertion of one image by its map's order, and by a random one, in [0, 1]. */
export type CheckedOrder = {
  readonly deletion: number;
  readonly insertion: number;
  readonly randomDeletion: number;
  readonly randomInsertion: number;
};

/**
 * Sum up deletion and insertion of checked images against a random order of the same images; null without images.
 *
 * @param steps In which pixels were replaced or put back.
 */
export function summariseOrder(
  checked: readonly CheckedOrder[],
  { steps, seed }: { readonly steps: number; readonly seed: number },
): OrderCheck | null {
  if (checked.length === 0) return null;
  const estimateOf = (name: keyof CheckedOrder) =>
    bootstrapMean(
      checked.map((image) => image[name]),
      seed,
    );
  // Low deletion is good, and high insertion.
  const gains = {
    deletion: checked.map(({ deletion, randomDeletion }) => randomDeletion - deletion),
    insertion: checked.map(({ insertion, randomInsertion }) => insertion - randomInsertion),
  };
  return {
    images: checked.length,
    steps,
    deletion: estimateOf('deletion'),
    randomDeletion: estimateOf('randomDeletion'),
    insertion: estimateOf('insertion'),
    randomInsertion: estimateOf('randomInsertion'),
    p: {
      deletion: signFlipP(gains.deletion, { seed }),
      insertion: signFlipP(gains.insertion, { seed }),
    },
  };
}
