import {
  attributeGrids,
  createClassFinder,
  decodeScores,
  listResultFiles,
  planFrame,
  planOcclusion,
  storedName,
} from '@umbra/engine';
import { isOutage } from '@umbra/platform/faults';
import { findJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { describeImage, type ImageEvidence, type NamedClass } from '@umbra/report';
import { at } from '@umbra/shared/assert';
import { createCache } from '@umbra/shared/cache';
import type { DatasetItem, ItemLabel } from '@umbra/shared/contracts/dataset';
import { type ImageResult, imageResult } from '@umbra/shared/contracts/result';
import { AppError, hasCode, reportError } from '@umbra/shared/errors';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import type { TenantJob } from '../jobs/job-record.js';
import type { DescribedModel } from '../runtime/model-cache.js';
import type { WorkerServices } from '../services.js';

/** `none`: there is no result; `damaged` says why there is one that cannot be read. */
export type EvidenceFinding = ImageEvidence | 'none' | { readonly damaged: string };

/** A finished image's numbers of its first target. */
export type ResultNumbers = {
  readonly result: ImageResult;
  readonly plan: OcclusionPlan;
  /** float32 [positions] */
  readonly scores: Float32Array;
  /** float32 [height, width] of the input, one a patch size. */
  readonly attributions: readonly Float32Array[];
};

const maxPlans = 1_000;
/** Differences of such scores are float32, too. */
const maxScore = 2 ** 126;

/** Open a job's results for describing them: see `describeImage`. */
export function openDescriber(
  services: Pick<WorkerServices, 'store'>,
  { tenant, job }: TenantJob,
  model: DescribedModel,
): (item: DatasetItem) => Promise<EvidenceFinding> {
  const readNumbers = openNumbers(services, { tenant, job });
  const findClass = openLabels(model.labels);
  return async (item) => {
    try {
      const numbers = await readNumbers(item.id);
      if (numbers === null) return 'none';
      const labelClass = item.label === undefined ? null : findClass(item.label);
      const frame = planFrame(model.bundle.input, item);
      return describeImage({ ...numbers, item, frame, labelClass });
    } catch (error) {
      // Whatever is wrong with one result leaves the others; faults of the store are no result's.
      if (isOutage(error)) throw error;
      return { damaged: reportError(error).message };
    }
  };
}

/**
 * Open a job's results for reading their numbers. @returns null of an image that has no result.
 *
 * @throws {AppError} `unprocessable` from what is returned for scores of which no finite number can be told.
 */
export function openNumbers(
  { store }: Pick<WorkerServices, 'store'>,
  { tenant, job }: TenantJob,
): (image: string) => Promise<ResultNumbers | null> {
  const plans = createCache<OcclusionPlan>({ maxEntries: maxPlans });
  const planOf = ({ input, settings }: ImageResult): OcclusionPlan => {
    const name = `${input.height} ${input.width}`;
    const known = plans.get(name);
    if (known !== undefined) return known;
    const plan = planOcclusion(input, settings);
    plans.set(name, plan);
    return plan;
  };
  return async (image) => {
    const keyOf = (file: Parameters<typeof keys.result>[3]) =>
      keys.result(tenant, job.id, image, file);
    const result = await findJson(store, keyOf('result.json'), imageResult);
    if (result === null) return null;
    const plan = planOf(result);
    const patches = plan.grids.map(({ patch }) => patch);
    const entries = listResultFiles({ targets: result.targets.length, patches });
    const files = entries.filter(({ kind }) => kind === 'scores');
    const encoded = await Promise.all(
      files.map((entry) => store.get(keyOf(storedName(result, entry)))),
    );
    const scores = at(decodeScores(plan, result.targets.length, encoded), 0);
    const baseline = at(result.targets, 0).score;
    if (![baseline, ...scores].every((score) => Math.abs(score) < maxScore)) {
      throw new AppError('unprocessable', `Expected finite scores of image '${image}'`);
    }
    const attributions = attributeGrids(plan, scores, baseline);
    return { result, plan, scores, attributions };
  };
}

/** @returns Finds the class of the model that a label names; null where it names none, or several. */
export function openLabels(names: readonly string[]): (label: ItemLabel) => NamedClass | null {
  const find = createClassFinder(names.length === 0 ? undefined : names);
  return (label) => {
    try {
      const index = find(label);
      return { index, label: names[index] ?? `class ${index}` };
    } catch (error) {
      if (hasCode(error, 'invalid_input')) return null;
      throw error;
    }
  };
}
