import { at } from '@umbra/shared/assert';
import type { ClassReport, ReportGrouping } from '@umbra/shared/contracts/report';
import { hashText } from './chance.js';
import {
  type ClassGroup,
  createClassGroup,
  type DrawnImage,
  type GroupedImages,
  type TestedImage,
} from './class-group.js';
import type { ImageEvidence } from './evidence.js';
import type { PatchCandidate } from './patches/candidate.js';
import type { BoxedMap } from './place-tests.js';
import { createStratifiedSample, type StratifiedSample } from './strata.js';

/** Classes that have a group of their own, of 45 KB each. */
export const maxClasses = 2_000;
/** Images whose numbers are kept for tests, of about 150 bytes each. */
const keptValues = { perStratum: 5_000, total: 200_000 };
/** Images whose maps are kept to be shuffled, of 1.2 KB each. */
const keptMaps = { perStratum: 200, total: 10_000 };

/** Images by class, and samples of each class. */
export type Grouping = {
  add(image: DrawnImage): void;
  /** The group that an image was added to. */
  groupOf(image: ImageEvidence): ClassGroup;
  /** The most images first. */
  groups(): readonly ClassGroup[];
  /** A group's images, in the seeded order. */
  values(group: ClassGroup): ReturnType<StratifiedSample<ClassGroup, TestedImage>['of']>;
  /** The same of images with a box and positive cells. */
  maps(group: ClassGroup): ReturnType<StratifiedSample<ClassGroup, BoxedMap>['of']>;
  /** Images whose score some patch lowers, and a sample of their patches: see `ReportBuilder.patchCandidates`. */
  readonly candidates: number;
  patches(): PatchCandidate[];
  /** Whether there were more classes than have a group of their own. */
  readonly isFull: boolean;
};

export type GroupingOptions = {
  readonly seed: number;
  readonly maxPatches: number;
  readonly groupBy: ReportGrouping;
};

/**
 * The class by which an image is told from others: that of its label, or the predicted one; without an index where it
 * has none. Beyond 2,000 classes, a report puts those that come last into one group.
 */
export function groupOf(image: ImageEvidence, groupBy: ReportGrouping): ClassReport['class'] {
  const { predicted, labelClass } = image;
  const prediction = predicted.aboveThreshold === false ? null : predicted;
  const named = groupBy === 'label' ? labelClass : prediction;
  if (named === null) return { index: null, label: 'no class' };
  return { index: named.index, label: named.label };
}

/** Start with no images; groups begin with the first image of their class. */
export function createGrouping({ seed, maxPatches, groupBy }: GroupingOptions): Grouping {
  const found = new Map<number | null, GroupedImages>();
  let others: GroupedImages | null = null;
  let candidates = 0;
  const values = createStratifiedSample<ClassGroup, TestedImage>(keptValues);
  const maps = createStratifiedSample<ClassGroup, BoxedMap>(keptMaps);
  // Twice as many, so that classes still fill the number once each has its fair part of it.
  const patches = createStratifiedSample<ClassGroup, PatchCandidate>({
    perStratum: Math.max(1, maxPatches),
    total: 2 * maxPatches,
  });

  const open = (image: ImageEvidence): GroupedImages => {
    const named = groupOf(image, groupBy);
    const known = found.get(named.index);
    if (known !== undefined) return known;
    if (named.index !== null && found.size >= maxClasses) {
      others ??= createClassGroup({ index: null, label: 'all others' });
      return others;
    }
    const group = createClassGroup(named);
    found.set(named.index, group);
    return group;
  };
  return {
    get candidates() {
      return candidates;
    },
    get isFull() {
      return others !== null;
    },
    add(drawn) {
      const { image, rank, tested } = drawn;
      const group = open(image);
      group.add(drawn);
      values.add(group, rank, tested);
      if (image.box !== null && image.map.some((value) => value > 0)) {
        maps.add(group, rank, { map: image.map, box: image.box });
      }
      if (image.drop <= 0) return;
      candidates += 1;
      if (maxPatches > 0) patches.add(group, rank, candidateOf(image, group));
    },
    groupOf(image) {
      const group = found.get(groupOf(image, groupBy).index) ?? others;
      if (group !== null) return group;
      throw new RangeError(`Expected an image that was added, got '${image.id}'`);
    },
    groups: () =>
      [...found.values(), ...(others === null ? [] : [others])].sort(
        (a, b) => b.images - a.images || (a.class.index ?? Infinity) - (b.class.index ?? Infinity),
      ),
    values: (group) => values.of(group),
    maps: (group) => maps.of(group),
    patches() {
      const strata = [...patches.strata()].sort((a, b) => orderOf(a, seed) - orderOf(b, seed));
      const items = strata.map((group) => patches.of(group).items);
      const counts = shareFairly(
        items.map(({ length }) => length),
        maxPatches,
      );
      return items.flatMap((candidates, nth) => candidates.slice(0, at(counts, nth)));
    },
  };
}

/** By chance, so that no class is always last. */
const orderOf = ({ class: { index, label } }: ClassGroup, seed: number): number =>
  hashText(`${index} ${label}`, seed);

const candidateOf = (image: ImageEvidence, group: ClassGroup): PatchCandidate => ({
  id: image.id,
  name: image.name,
  class: group.class,
  drop: image.drop,
  score: image.score,
  box: image.lowest.box,
  photoBox: image.lowest.photoBox,
  isOffObject: image.lowest.isOffObject,
  input: image.input,
});

/** Share a number out evenly; what the small ones cannot use goes to the others. */
export function shareFairly(counts: readonly number[], total: number): number[] {
  const order = [...counts.keys()].sort((a, b) => at(counts, a) - at(counts, b));
  const given = new Array<number>(counts.length).fill(0);
  let rest = total;
  for (const [nth, index] of order.entries()) {
    const share = Math.min(at(counts, index), Math.floor(rest / (counts.length - nth)));
    given[index] = share;
    rest -= share;
  }
  return given;
}
