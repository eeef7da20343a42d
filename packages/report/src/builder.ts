import { mustGet } from '@umbra/shared/assert';
import type { JobReport, ReportGrouping } from '@umbra/shared/contracts/report';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { agreementOf, createAgreementRanking } from './agreement.js';
import { createWeights, rankOf } from './chance.js';
import { type ClassGroup, testedOf } from './class-group.js';
import { describeClasses, isSignificant } from './describe-classes.js';
import { type ImageEvidence, latticeSide } from './evidence.js';
import { createFlipGraph } from './flips.js';
import { createGrouping } from './grouping.js';
import { noteGroups, prunedNote } from './notes.js';
import type { PatchCandidate } from './patches/candidate.js';
import type { ClassMaps } from './suspects/class-maps.js';
import { createSuspectRanking, type SuspectRanking } from './suspects/ranking.js';
import { createTotals } from './totals.js';

export type BuilderOptions = {
  /** Seed of every draw: the same images and seed give the same report, in whatever order images come. */
  readonly seed: number;
  readonly unit: OcclusionSettings['score'];
  /** By label where at least half of the images have one that names a class, and else by prediction, when left out. */
  readonly groupBy?: ReportGrouping | undefined;
  /** Decisive patches of all classes together, at most. */
  readonly maxPatches: number;
  /** Whose maps of an image are held against each other: this job and others, or its patch sizes; none for none. */
  readonly maps: readonly { readonly name: string; readonly job: string | null }[];
};

/** What a report says of the images that it was given. */
export type ReportParts = Pick<
  JobReport,
  'groupBy' | 'lattice' | 'input' | 'metrics' | 'classes' | 'flips' | 'suspects' | 'notes'
> & {
  readonly agreement: JobReport['trust']['agreement'];
  /** Images whose score some patch lowers: those that could have had a patch among the candidates. */
  readonly candidates: number;
};

/** Builds a report of images that come one by one; its memory is bounded by classes, not by images. */
export type ReportBuilder = {
  /** First pass: each image once. */
  add(image: ImageEvidence): void;
  /**
   * Decisive patches of the images that were added: as many of each class, and what small classes leave is the
   * others'. In a class, a random sample of the images whose score some patch lowers, not those of the largest
   * drops, since shares of clusters would not be the class's then.
   */
  patchCandidates(): readonly PatchCandidate[];
  /**
   * Second pass, after every image was added: each image once more.
   *
   * @param others float32 [16, 16], the image's maps of the other jobs that `maps` names; its agreement is not known
   *   where one has none.
   */
  rank(image: ImageEvidence, others?: readonly Float32Array[]): void;
  /** Agreement of an image's maps, and where it stands in its class, once all were ranked; `others` as for `rank`. */
  rowOf(
    image: ImageEvidence,
    others?: readonly Float32Array[],
  ): ReturnType<SuspectRanking['unlikeness']> & { readonly agreement: number | null };
  /** @returns `off-object-cluster` of the metrics is null: clusters are not known here. */
  finish(): ReportParts;
};

export function openReportBuilder(options: BuilderOptions): ReportBuilder {
  const { seed, unit, maxPatches } = options;
  const weightsOf = createWeights(seed);
  // Which of them is asked for is only known after the first pass, unless it was said.
  const groupings = new Map(
    (options.groupBy === undefined ? bothGroupings : [options.groupBy]).map((by) => [
      by,
      createGrouping({ seed, maxPatches, groupBy: by }),
    ]),
  );
  const flips = createFlipGraph();
  const totals = createTotals();
  const groupBy = () => options.groupBy ?? totals.commonGrouping();
  const grouping = () => mustGet(groupings, groupBy());
  const suspects = createSuspectRanking({ seed });
  const agreements = createAgreementRanking([...options.maps]);
  const hasOtherJobs = options.maps.some(({ job }) => job !== null);
  const classMaps = new Map<ClassGroup, ClassMaps>();
  /** The class's maps as they are after the first pass. */
  const mapsOf = (image: ImageEvidence): ClassMaps => {
    const group = grouping().groupOf(image);
    const maps = classMaps.get(group) ?? { class: group.class, ...group.atlas.input.totals() };
    classMaps.set(group, maps);
    return maps;
  };
  const agreementIn = (image: ImageEvidence, others: readonly Float32Array[]): number | null => {
    const held = hasOtherJobs ? [image.map, ...others] : image.sizeMaps;
    // Of fewer maps an agreement is higher: it would not be that of the other images.
    return held.length < options.maps.length ? null : agreementOf(held);
  };
  return {
    add(image) {
      const tested = testedOf(image);
      const drawn = { image, rank: rankOf(image.id, seed), weights: weightsOf(image.id), tested };
      for (const one of groupings.values()) one.add(drawn);
      flips.count(image);
      totals.add(image, tested);
    },
    patchCandidates: () => grouping().patches(),
    rank(image, others = []) {
      flips.exemplify(image);
      const agreement = agreementIn(image, others);
      agreements.add(image, agreement);
      suspects.add(image, mapsOf(image), agreement);
    },
    rowOf: (image, others = []) => ({
      ...suspects.unlikeness(image, mapsOf(image)),
      agreement: agreementIn(image, others),
    }),
    finish() {
      const classes = describeClasses(grouping(), { seed, tolerance: totals.tolerance(unit) });
      const edges = flips.finish();
      const ranked = suspects.finish();
      const agreement = agreements.finish();
      return {
        groupBy: groupBy(),
        lattice: { rows: latticeSide, columns: latticeSide },
        input: totals.commonInput(),
        metrics: {
          ...totals.metrics(),
          'significant-classes': classes.filter(isSignificant).length,
          'off-object-cluster': null,
          unstable: agreement && agreement.unstable / agreement.images,
          suspects: ranked.count,
        },
        classes,
        flips: edges.flips,
        suspects: ranked.suspects,
        agreement,
        candidates: grouping().candidates,
        notes: [...noteGroups(grouping()), ...(edges.isPruned ? [prunedNote] : [])],
      };
    },
  };
}

const bothGroupings: readonly ReportGrouping[] = ['label', 'predicted'];
