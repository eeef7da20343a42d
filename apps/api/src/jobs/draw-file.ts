import {
  decodeArrays,
  type FileEntry,
  type FileMaker,
  listResultFiles,
  openFileMaker,
  planFrame,
  planOcclusion,
  storedName,
} from '@umbra/engine';
import { keys } from '@umbra/platform/store/keys';
import { describeModel } from '@umbra/platform/store/models';
import { readItem } from '@umbra/platform/store/read-item';
import type { JobRecord } from '@umbra/shared/contracts/job';
import type { ImageResult, ResultFile } from '@umbra/shared/contracts/result';
import { AppError, hasCode, notFound } from '@umbra/shared/errors';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import type { ApiServices } from '../services.js';

/** Largest array that is drawn on request: a picture has its own limits. */
const maxDrawnBytes = 64 * 1024 * 1024;

type DrawingServices = Pick<ApiServices, 'store' | 'sources'>;

/** A finished image of a job. */
export type FinishedImage = {
  readonly tenant: string;
  readonly job: Pick<JobRecord, 'id' | 'dataset'>;
  readonly result: ImageResult;
};

/** List every file that a result has beside its description, whether it is stored or not. */
export const filesOf = ({ targets, grids }: ImageResult): FileEntry[] =>
  listResultFiles({ targets: targets.length, patches: grids.map(({ patch }) => patch) });

/**
 * Open a finished image for drawing its files from its stored scores: the same bytes as if they had been stored.
 *
 * @returns A maker that reads nothing before its first file. Beside its own errors it throws `not_found` where
 *   what the file is drawn from is gone, and `too_large` for arrays beyond a limit.
 */
export function openDrawing(services: DrawingServices, image: FinishedImage): FileMaker['make'] {
  let opened: Promise<FileMaker> | undefined;
  return async (file, signal) => {
    assertDrawable(image.result, file);
    opened ??= openMaker(services, image);
    const maker = await opened;
    signal?.throwIfAborted();
    return maker.make(file, signal);
  };
}

function assertDrawable({ input, targets }: ImageResult, file: ResultFile): void {
  const bytes = file.startsWith('attribution')
    ? 4 * input.height * input.width * targets.length
    : 0;
  if (bytes <= maxDrawnBytes) return;
  throw new AppError(
    'too_large',
    `Expected an array of at most ${maxDrawnBytes} bytes to be drawn on request, got ${bytes} for ${file}: run the job with attribution among its outputs`,
  );
}

async function openMaker(services: DrawingServices, image: FinishedImage): Promise<FileMaker> {
  const { result } = image;
  const { settings, approximate, targets, model } = result;
  const plan = planOcclusion(result.input, settings);
  return openFileMaker({
    ...{ plan, settings, approximate, targets },
    arrays: await readArrays(services, image, plan),
    async readPhoto() {
      const { tenant, job } = image;
      const bundle = await describeModel(services.store, { tenant, ...model }).catch(
        throwGone(image, `the description of model ${model.name}`),
      );
      const photo = await readItem(services, tenant, job.dataset, result.image).catch(
        throwGone(image, 'its photo'),
      );
      return { photo, frame: planFrame(bundle.input, result.image) };
    },
  });
}

async function readArrays({ store }: DrawingServices, image: FinishedImage, plan: OcclusionPlan) {
  const { tenant, job, result } = image;
  const entries = filesOf(result);
  const read = (kind: 'scores' | 'predicted-classes', grid: number): Promise<Buffer> => {
    const entry = entries.find((one) => one.kind === kind && one.grid === grid);
    if (entry === undefined) throw new RangeError(`Expected ${kind} of patch size ${grid}`);
    const file = storedName(result, entry);
    const key = keys.result(tenant, job.id, result.image.id, file);
    return store.get(key).catch(throwGone(image, `its ${file}`));
  };
  const grids = plan.grids.map(async (_, grid) => ({
    scores: await read('scores', grid),
    predictedClasses: await read('predicted-classes', grid),
  }));
  return decodeArrays(plan, result.targets.length, await Promise.all(grids));
}

const throwGone =
  ({ job, result }: FinishedImage, what: string) =>
  (error: unknown): never => {
    if (!hasCode(error, 'not_found')) throw error;
    throw notFound(
      `Image '${result.image.id}' of job '${job.id}' cannot be drawn: ${what} is gone from the store`,
    );
  };
