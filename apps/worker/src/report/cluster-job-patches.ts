import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Features, type ModelInput, type OpenModel, prepareCrop } from '@umbra/engine';
import {
  type ClusteredPatches,
  clusterPatches,
  type PatchCandidate,
  type SeenPatch,
} from '@umbra/report';
import { at } from '@umbra/shared/assert';
import { mapInOrder } from '@umbra/shared/concurrency';
import type { PatchReport } from '@umbra/shared/contracts/report';
import { hasCode } from '@umbra/shared/errors';
import { limitsOf, openPhotos, orLost } from './read-photo.js';
import type { ReportRun } from './report-run.js';

/** The part of the report on decisive patches, and the cluster of each of them by its image. */
export type JobPatches = {
  readonly report: Omit<PatchReport, 'candidates'>;
  readonly members: ClusteredPatches['members'];
  readonly notes: readonly string[];
};

/** What features may take together, bytes: of a layer with many channels, fewer patches are clustered. */
const maxFeatureBytes = 64 * 1024 * 1024;
/** Photos that are read and cut ahead of the model. */
const cropsAhead = 4;

/** The part on patches where none are clustered. */
export const withoutPatches = (reason: string | null): JobPatches => ({
  report: { layer: null, reason, images: 0, choices: [], clusters: [] },
  members: [],
  notes: [],
});

/** Cluster decisive patches by what the model sees in their crops. */
export async function clusterJobPatches(
  run: ReportRun,
  model: OpenModel,
  candidates: readonly PatchCandidate[],
): Promise<JobPatches> {
  const { request } = run.requested;
  const base = withoutPatches(null);
  if (candidates.length === 0) return base;
  const features = await orReason(model.openFeatures(request.layer));
  if (typeof features === 'string') return withoutPatches(features);
  try {
    const kept = thinOut(candidates, Math.floor(maxFeatureBytes / (4 * features.channels)));
    const seen = await orReason(lookAtCrops(run, model, features, kept));
    if (typeof seen === 'string') return withoutPatches(seen);
    const { choices, clusters, members } = await clusterPatches(seen, {
      ...{ seed: request.seed, unit: run.job.settings.score },
      // Locks are renewed meanwhile, of this queue job and of the process's others.
      async rest() {
        await nextTurn();
        run.signal.throwIfAborted();
      },
    });
    return {
      report: { ...base.report, layer: features.layer, images: seen.length, choices, clusters },
      members,
      notes: [
        ...noteOf(
          candidates.length - kept.length,
          `${features.layer} has too many channels for all`,
        ),
        ...noteOf(kept.length - seen.length, 'their photos cannot be read'),
      ],
    };
  } finally {
    await features.close();
  }
}

/** @returns Also why a layer cannot be run, or gives NaN: the rest of the report needs none. @throws Every other error. */
async function orReason<T>(work: Promise<T>): Promise<T | string> {
  try {
    return await work;
  } catch (error) {
    if (hasCode(error, 'invalid_input') || hasCode(error, 'not_found')) return error.message;
    if (hasCode(error, 'integrity')) return error.message;
    throw error;
  }
}

const noteOf = (patches: number, reason: string): readonly string[] =>
  patches === 0 ? [] : [`Patches of ${patches} images were left out: ${reason}`];

/** Keep so many of a list at most, as many of each of its parts. */
export const thinOut = <T>(items: readonly T[], most: number): readonly T[] =>
  items.filter((_, index) => {
    const share = Math.min(1, most / items.length);
    return Math.floor((index + 1) * share) > Math.floor(index * share);
  });

/** Run the crops of candidates up to the layer. @returns Those whose photos can be read, in order. */
async function lookAtCrops(
  run: ReportRun,
  model: OpenModel,
  features: Features,
  candidates: readonly PatchCandidate[],
): Promise<readonly SeenPatch[]> {
  const used: PatchCandidate[] = [];
  const crops = cropsOf(run, model, candidates, (candidate) => used.push(candidate));
  const seen: SeenPatch[] = [];
  for await (const vector of features.run(crops, { signal: run.signal })) {
    seen.push({ ...at(used, seen.length), features: vector });
    await run.teller.advance(1);
  }
  return seen;
}

/** Prepare the crops of candidates, in order. @param onCrop Told of each that there is a crop of. */
async function* cropsOf(
  { services, tenant, job }: ReportRun,
  { bundle }: OpenModel,
  candidates: readonly PatchCandidate[],
  onCrop: (candidate: PatchCandidate) => void,
): AsyncGenerator<ModelInput> {
  const readPhoto = openPhotos(services, { tenant, job });
  const limits = limitsOf(services.config);
  const prepare = async (candidate: PatchCandidate) => {
    const found = await readPhoto(candidate.id);
    const { photoBox } = candidate;
    const crop = found && (await orLost(prepareCrop(found.photo, photoBox, bundle.input, limits)));
    return crop && { candidate, crop };
  };
  for await (const prepared of mapInOrder(candidates, { atOnce: cropsAhead }, prepare)) {
    if (prepared === null) continue;
    onCrop(prepared.candidate);
    yield prepared.crop;
  }
}
