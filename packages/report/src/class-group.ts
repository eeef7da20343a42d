import type { ClassReport } from '@umbra/shared/contracts/report';
import { type Atlas, createAtlas } from './atlas.js';
import { type BootstrappedMean, createBootstrappedMean } from './estimates.js';
import type { ImageEvidence } from './evidence.js';
import { borderArea, offArea, type PlaceShare } from './place-tests.js';
import { createRunningMean, type RunningMean } from './running.js';

/** An image's numbers that tests need; null where it has none. */
export type TestedImage = {
  readonly drop: number;
  readonly offObject: PlaceShare | null;
  readonly border: PlaceShare | null;
};

/** An image with what follows from it whatever its group is, and from the seed and its id. */
export type DrawnImage = {
  readonly image: ImageEvidence;
  /** Its place in the seeded order of all images, in [0, 1). */
  readonly rank: number;
  /** Its weights in bootstraps: see `createWeights`. */
  readonly weights: Uint8Array;
  /** One object for all groups: many are kept. */
  readonly tested: TestedImage;
};

/** Shares of the positive attribution at a place, and of the frame's area. */
export type PlaceMeans = {
  readonly share: BootstrappedMean;
  /** Share minus area. */
  readonly excess: BootstrappedMean;
  /** Sum over the images. */
  area: number;
};

/** Numbers of one group of images: 45 KB, however many they are. */
export type ClassGroup = {
  readonly class: ClassReport['class'];
  images: number;
  readonly drop: BootstrappedMean;
  readonly flipped: BootstrappedMean;
  readonly accuracy: BootstrappedMean | null;
  readonly atlas: { readonly input: Atlas; readonly object: Atlas | null };
  readonly running: RunningMean;
  readonly offObject: PlaceMeans | null;
  readonly border: PlaceMeans | null;
};

/** What of an image is tested: without a box, or without positive attribution, there is no share. */
export const testedOf = ({
  drop,
  box,
  offObjectShare,
  borderShare,
  input,
  noise,
}: ImageEvidence): TestedImage => ({
  drop,
  offObject:
    box === null || offObjectShare === null
      ? null
      : { share: offObjectShare, area: offArea(box), noise: noise.offObject ?? 0 },
  border:
    borderShare === null
      ? null
      : { share: borderShare, area: borderArea(input), noise: noise.border },
});

/** Share of an image's positions at which the decision changes. */
export const flippedOf = ({ flips, computed }: ImageEvidence): number =>
  flips.reduce((sum, { positions }) => sum + positions, 0) / computed;

export type GroupedImages = ClassGroup & { add(image: DrawnImage): void };

/** Start a group; parts that only some images have begin with the first of them. */
export function createClassGroup(named: ClassReport['class']): GroupedImages {
  const group = {
    class: named,
    images: 0,
    drop: createBootstrappedMean(),
    flipped: createBootstrappedMean(),
    accuracy: null as BootstrappedMean | null,
    atlas: { input: createAtlas(), object: null as Atlas | null },
    running: createRunningMean(),
    offObject: null as PlaceMeans | null,
    border: null as PlaceMeans | null,
  };
  const add = ({ image, rank, weights, tested }: DrawnImage) => {
    group.images += 1;
    group.drop.add(image.drop, weights);
    group.flipped.add(flippedOf(image), weights);
    group.running.add(rank, image.drop);
    group.atlas.input.add(image.map);
    if (image.objectMap !== null) {
      group.atlas.object ??= createAtlas();
      group.atlas.object.add(image.objectMap);
    }
    if (image.isRight !== null) {
      group.accuracy ??= createBootstrappedMean();
      group.accuracy.add(Number(image.isRight), weights);
    }
    group.offObject = withShare(group.offObject, tested.offObject, weights);
    group.border = withShare(group.border, tested.border, weights);
  };
  return Object.assign(group, { add });
}

function withShare(
  means: PlaceMeans | null,
  place: PlaceShare | null,
  weights: Uint8Array,
): PlaceMeans | null {
  if (place === null) return means;
  const to = means ?? {
    share: createBootstrappedMean(),
    excess: createBootstrappedMean(),
    area: 0,
  };
  to.share.add(place.share, weights);
  to.excess.add(place.share - place.area, weights);
  to.area += place.area;
  return to;
}
