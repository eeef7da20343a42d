/** A class that a run watched. */
export type WatchedClass = { readonly index: number; readonly label: string };

/** Which targets of two runs are compared: their indices, and whether they are the same class. */
export type TargetPair = {
  readonly one: number;
  readonly other: number;
  readonly isSameClass: boolean;
};

/**
 * Choose the targets of two runs of a photo that are compared: the one that is wanted with the same class of
 * the other run; without a wish, the first class that both watched. Where there is none, the first of the other run.
 *
 * @param isSameModel Whether classes are the same by number; else they are by name, whatever the case.
 */
export function pairTargets(
  [ones, others]: readonly [readonly WatchedClass[], readonly WatchedClass[]],
  wanted: number | null,
  isSameModel: boolean,
): TargetPair {
  const besideOf = (target: WatchedClass | undefined): number =>
    others.findIndex((other) => target !== undefined && isSame(target, other, isSameModel));
  const isGiven = wanted !== null && wanted < ones.length;
  const one = isGiven
    ? wanted
    : Math.max(
        0,
        ones.findIndex((target) => besideOf(target) >= 0),
      );
  const other = besideOf(ones[one]);
  return { one, other: Math.max(0, other), isSameClass: other >= 0 };
}

const isSame = (one: WatchedClass, other: WatchedClass, isSameModel: boolean): boolean =>
  isSameModel ? one.index === other.index : one.label.toLowerCase() === other.label.toLowerCase();
