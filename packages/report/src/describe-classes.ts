import { at } from '@umbra/shared/assert';
import type { ClassReport } from '@umbra/shared/contracts/report';
import { hashText } from './chance.js';
import type { PlaceMeans } from './class-group.js';
import type { Grouping } from './grouping.js';
import { adjustP, type TestDraws } from './permutation.js';
import { excessP, followsP } from './place-tests.js';
import { enoughImages } from './running.js';

/** Share of false ones among the classes that are called significant, at most, in expectation. */
const maxFalseShare = 0.05;

type PlaceTest = NonNullable<ClassReport['border']>;

export type ClassesOptions = {
  readonly seed: number;
  /** Half-width of a mean drop that is narrow enough, in the job's unit. */
  readonly tolerance: number;
};

/** Describe each group of images, the most images first; p-values are adjusted over all of them. */
export function describeClasses(
  grouping: Grouping,
  { seed, tolerance }: ClassesOptions,
): ClassReport[] {
  const groups = grouping.groups();
  const draws = drawsFor(2 * groups.length);
  const p = groups.map((group) => {
    const { items } = grouping.values(group);
    const seedOf = (test: string) =>
      hashText(`${group.class.index} ${group.class.label} ${test}`, seed);
    const pOf = (place: 'offObject' | 'border') =>
      group[place] === null
        ? null
        : excessP(
            items.map((item) => item[place]).filter((found) => found !== null),
            { seed: seedOf(place), draws },
          );
    return {
      offObject: pOf('offObject'),
      border: pOf('border'),
      follows:
        group.offObject === null ? null : followsP(grouping.maps(group).items, seedOf('follows')),
    };
  });
  const adjusted = adjustKnown(p.flatMap(({ offObject, border }) => [offObject, border]));
  const follows = adjustKnown(p.map((one) => one.follows));
  return groups.map((group, nth) => {
    const own = at(p, nth);
    const offObject = describePlace(group.offObject, own.offObject, at(adjusted, 2 * nth));
    const running = group.running.steps(grouping.values(group).items.map(({ drop }) => drop));
    return {
      class: group.class,
      images: group.images,
      accuracy: group.accuracy?.estimate() ?? null,
      drop: group.drop.estimate(),
      flipped: group.flipped.estimate(),
      atlas: {
        input: group.atlas.input.describe(),
        object: group.atlas.object?.describe() ?? null,
      },
      running,
      enough: enoughImages(running, tolerance),
      offObject: offObject && {
        ...offObject,
        follows: { p: own.follows ?? 1, adjusted: at(follows, nth) ?? 1 },
      },
      border: describePlace(group.border, own.border, at(adjusted, 2 * nth + 1)),
    };
  });
}

/**
 * Draws of a test, so many that the lowest p-value is still significant where all the other tests are of nothing:
 * (1 / (1 + draws)) * tests is half of the rate.
 */
const drawsFor = (tests: number): TestDraws['draws'] =>
  Math.max(9_999, Math.ceil((2 * tests) / maxFalseShare));

/** Adjust the p-values that there are. */
function adjustKnown(values: readonly (number | null)[]): (number | null)[] {
  const adjusted = adjustP(values.filter((value) => value !== null)).values();
  return values.map((value) => (value === null ? null : (adjusted.next().value ?? 1)));
}

function describePlace(
  means: PlaceMeans | null,
  p: number | null,
  adjusted: number | null,
): PlaceTest | null {
  if (means === null || p === null || adjusted === null) return null;
  return {
    images: means.share.count,
    share: means.share.estimate(),
    area: Math.min(1, means.area / means.share.count),
    excess: means.excess.estimate(),
    p,
    adjusted,
    isSignificant: adjusted <= maxFalseShare,
  };
}

/** Whether evidence of a class lies off the object, or in the border, more than its area. */
export const isSignificant = ({
  offObject,
  border,
}: Pick<ClassReport, 'offObject' | 'border'>): boolean =>
  offObject?.isSignificant === true || border?.isSignificant === true;
