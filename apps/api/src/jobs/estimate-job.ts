import type { JobEstimate, JobRequest } from '@umbra/shared/contracts/job';
import { defaultOutputs, type FileKind } from '@umbra/shared/contracts/outputs';
import type { Size } from '@umbra/shared/occlusion/grid';
import type { ApiServices } from '../services.js';
import type { CheckedRequest } from './create-job.js';

/** Bytes of one file, as measured of the sample photos with 512 px sides: docs/operations/capacity.md. */
const storedBytes = {
  heatmap: 17_200,
  overlay: 418_000,
  thumbnail: 2_200,
  result: 2_200,
} as const;
const numberBytes = 4;

/** Estimate what a job would take on the live workers, without creating it. */
export async function estimateJob(
  { workerRegistry, throughput }: Pick<ApiServices, 'workerRegistry' | 'throughput'>,
  { request, dataset, bundle, digest, positionsPerImage, warnings }: CheckedRequest,
): Promise<JobEstimate> {
  const [workers, measured] = await Promise.all([workerRegistry.list(), throughput.read()]);
  const { target, refine } = request.settings;
  const inferenceThreads = workers
    .filter(({ formats }) => formats.includes(bundle.format))
    .reduce((sum, worker) => sum + worker.inferenceThreads, 0);
  const images = dataset.images;
  const secondsPerPosition = measured.get(digest)?.secondsPerPosition;
  const evaluatedShare = refine === null ? 1 : refine.share;
  const evaluated =
    positionsPerImage === null ? null : Math.ceil(positionsPerImage * evaluatedShare);
  const seconds =
    evaluated === null || secondsPerPosition === undefined || inferenceThreads === 0
      ? null
      : (images * evaluated * secondsPerPosition) / inferenceThreads;
  const targets = target.kind === 'top' ? target.k : 1;
  return {
    warnings: [...warnings],
    images,
    positionsPerImage,
    positions: positionsPerImage === null ? null : images * positionsPerImage,
    forwardPasses: evaluated === null ? null : images * (evaluated + 1),
    inferenceThreads,
    seconds,
    bytes:
      positionsPerImage === null
        ? null
        : images *
          imageBytes(request, { targets, positions: positionsPerImage, input: bundle.input }),
  };
}

type EstimatedImage = {
  readonly targets: number;
  readonly positions: number;
  readonly input: Size;
};

/** Estimate the bytes of one image's stored files. */
function imageBytes(
  { outputs = defaultOutputs, settings }: Pick<JobRequest, 'outputs' | 'settings'>,
  { targets, positions, input }: EstimatedImage,
): number {
  const patches = Array.isArray(settings.patch) ? settings.patch.length : 1;
  // Each patch size has a map, and several have their mean.
  const maps = patches === 1 ? 1 : patches + 1;
  const ofKind: Record<FileKind, number> = {
    heatmap: targets * storedBytes.heatmap,
    overlay: targets * storedBytes.overlay,
    thumbnail: storedBytes.thumbnail,
    scores: numberBytes * positions * targets,
    'predicted-classes': numberBytes * positions,
    attribution: numberBytes * input.height * input.width * targets * maps,
  };
  return outputs.reduce<number>((sum, kind) => sum + ofKind[kind], storedBytes.result);
}
