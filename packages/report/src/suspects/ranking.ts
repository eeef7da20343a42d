import { mustGet } from '@umbra/shared/assert';
import type { Suspect } from '@umbra/shared/contracts/report';
import { agreementThreshold } from '../agreement.js';
import { rankOf } from '../chance.js';
import { flippedOf } from '../class-group.js';
import type { ImageEvidence } from '../evidence.js';
import { medianOf } from '../resample.js';
import { createStratifiedSample } from '../strata.js';
import { type ClassMaps, mapDistance, meanWithout } from './class-maps.js';
import { type ComparedNumbers, reasonsOf, type SuspectFacts } from './reasons.js';
import { isSuspect, type Scale, scaleOf, zOf } from './scale.js';
import { findUnusualZone } from './zones.js';

/** Images of a class, and of all, by which it is known what is usual. */
const sampled = { perStratum: 1_000, total: 100_000 };
/** Images that may become suspects: half of them are left out once there are so many. */
const maxCandidates = 4_000;
/** A z-score that is left out from then on: it would have to nearly double. */
const hopelessZ = 2;
const maxSuspects = 200;

type Candidate = Omit<Suspect, 'z' | 'reasons'> &
  ComparedNumbers &
  SuspectFacts & {
    /** Its class. */
    readonly key: string;
  };

export type SuspectRanking = {
  /**
   * Take an image: of the second pass, since its class's maps must be known.
   *
   * @param agreement Of its maps; below the threshold they depend on fill or patch size, and it is not ranked.
   */
  add(image: ImageEvidence, group: ClassMaps, agreement: number | null): void;
  /** How unlike its class an image is, once all were taken; null where it is not known. */
  unlikeness(
    image: ImageEvidence,
    group: ClassMaps,
  ): { readonly distance: number | null; readonly z: number | null };
  /** The most unlike first, at most 200; and how many there are: see docs/report.md. */
  finish(): { suspects: Suspect[]; count: number };
};

/** Rank images by how unlike their class their maps are. Memory does not grow with the number of images. */
export function createSuspectRanking({ seed }: { readonly seed: number }): SuspectRanking {
  const sample = createStratifiedSample<string, ComparedNumbers>(sampled);
  const images = new Map<string, number>();
  /** Scales of classes as they were when candidates were last left out. */
  const scales = new Map<string, Scale | null>();
  const candidates: Candidate[] = [];

  let isMeasured = false;
  const measure = () => {
    isMeasured = true;
    for (const key of images.keys()) {
      scales.set(key, scaleOf(sample.of(key).items.map(({ distance }) => distance)));
    }
  };
  const currentZ = ({ key, distance }: Pick<Candidate, 'key' | 'distance'>): number => {
    const scale = scales.get(key) ?? null;
    return scale === null ? Number.POSITIVE_INFINITY : zOf(distance, scale);
  };
  const prune = () => {
    measure();
    candidates.sort((a, b) => currentZ(b) - currentZ(a) || b.distance - a.distance);
    candidates.length = maxCandidates / 2;
  };
  return {
    add(image, group, agreement) {
      if (agreement !== null && agreement < agreementThreshold) return;
      const usual = meanWithout(group, image.map);
      const distance = mapDistance(image.map, usual);
      if (distance === null) return;
      isMeasured = false;
      const key = keyOf(group);
      const numbers = numbersOf(image, distance);
      sample.add(key, rankOf(image.id, seed), numbers);
      images.set(key, (images.get(key) ?? 0) + 1);
      if (currentZ({ key, distance }) < hopelessZ) return;
      candidates.push({ ...numbers, ...factsOf(image, usual), ...namesOf(image, group), key });
      if (candidates.length === maxCandidates) prune();
    },
    unlikeness(image, group) {
      if (!isMeasured) measure();
      const distance = mapDistance(image.map, meanWithout(group, image.map));
      const scale = scales.get(keyOf(group)) ?? null;
      return { distance, z: distance === null || scale === null ? null : zOf(distance, scale) };
    },
    finish() {
      measure();
      const found = candidates.filter(({ key, distance }) => {
        const scale = mustGet(scales, key);
        return scale !== null && isSuspect(distance, scale);
      });
      found.sort((a, b) => currentZ(b) - currentZ(a) || (a.id < b.id ? -1 : 1));
      const listed = found.slice(0, maxSuspects);
      const medians = new Map(
        [...new Set(listed.map(({ key }) => key))].map((key) => [
          key,
          mediansOf(sample.of(key).items),
        ]),
      );
      return {
        suspects: listed.map((one) => suspectOf(one, currentZ(one), mustGet(medians, one.key))),
        count: [...images].reduce(
          (sum, [key, count]) =>
            sum + suspectsOf(sample.of(key).items, mustGet(scales, key), count),
          0,
        ),
      };
    },
  };
}

const keyOf = ({ class: { index, label } }: ClassMaps): string => JSON.stringify([index, label]);

const numbersOf = (image: ImageEvidence, distance: number): ComparedNumbers => ({
  distance,
  drop: image.drop,
  flipped: flippedOf(image),
  offObject: image.offObjectShare,
  border: image.borderShare,
});

function factsOf(image: ImageEvidence, usual: Float64Array): Omit<SuspectFacts, 'predicted'> {
  const flips = [...image.flips].sort((a, b) => b.positions - a.positions);
  return {
    missed: image.isRight === false ? (image.labelClass?.label ?? null) : null,
    turnsTo: flips[0]?.to?.label ?? null,
    zone: findUnusualZone(image.map, usual),
  };
}

const namesOf = (
  { id, name, label, predicted }: ImageEvidence,
  group: ClassMaps,
): Pick<Suspect, 'id' | 'name' | 'label' | 'predicted' | 'class'> => ({
  id,
  name,
  label,
  predicted: { index: predicted.index, label: predicted.label },
  class: group.class,
});

function suspectOf(image: Candidate, z: number, medians: ComparedNumbers): Suspect {
  const { id, name, label, predicted, class: of, drop, distance } = image;
  const reasons = reasonsOf(image, medians);
  return { id, name, label, predicted, class: of, drop, distance, z, reasons };
}

function mediansOf(images: readonly ComparedNumbers[]): ComparedNumbers {
  const median = (name: keyof ComparedNumbers) => {
    const known = images.map((image) => image[name]).filter((value) => value !== null);
    return known.length === 0 ? null : medianOf(known);
  };
  return {
    distance: median('distance') ?? 0,
    drop: median('drop') ?? 0,
    flipped: median('flipped') ?? 0,
    offObject: median('offObject'),
    border: median('border'),
  };
}

/** Suspects of a class of `count` images: of more than are kept, as many as the kept ones' share says. */
function suspectsOf(kept: readonly ComparedNumbers[], scale: Scale | null, count: number): number {
  if (scale === null) return 0;
  const found = kept.filter(({ distance }) => isSuspect(distance, scale));
  return Math.round((found.length / kept.length) * count);
}
