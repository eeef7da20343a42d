import type { FlipEdge } from '@umbra/shared/contracts/report';

export type FlipMatrix = {
  /** Names of classes, those with the most flips first. */
  readonly classes: readonly string[];
  /** Share of the images of a class (row) that flip to another (column); 0 where none do. */
  readonly shares: readonly (readonly number[])[];
};

export const noClass = 'no class';
export const toName = ({ to }: Pick<FlipEdge, 'to'>): string => to?.label ?? noClass;

/** What wins over what, among at most so many classes. */
export function flipMatrix(flips: readonly FlipEdge[], most: number): FlipMatrix {
  const weights = new Map<string, number>();
  for (const flip of flips) {
    for (const name of [flip.from.label, toName(flip)]) {
      weights.set(name, (weights.get(name) ?? 0) + flip.images);
    }
  }
  const classes = [...weights.keys()]
    .toSorted((a, b) => (weights.get(b) ?? 0) - (weights.get(a) ?? 0))
    .slice(0, most);
  const shareOf = (from: string, to: string): number =>
    flips.find((flip) => flip.from.label === from && toName(flip) === to)?.share ?? 0;
  return { classes, shares: classes.map((from) => classes.map((to) => shareOf(from, to))) };
}
