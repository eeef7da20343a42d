import type { JobEstimate } from '@umbra/shared/contracts/job';
import type { ApiServices } from '../services.js';
import type { CheckedRequest } from './create-job.js';

/** Size assumed of a PNG of a few hundred px. */
const pictureBytes = 120_000;
const numberBytes = 4;

/** Estimate what a job would take on the live workers, without creating it. */
export async function estimateJob(
  { workerRegistry, throughput }: Pick<ApiServices, 'workerRegistry' | 'throughput'>,
  { request, dataset, bundle, positionsPerImage, warnings }: CheckedRequest,
): Promise<JobEstimate> {
  const [workers, secondsPerPositionOf] = await Promise.all([
    workerRegistry.list(),
    throughput.read(),
  ]);
  const { target, refine } = request.settings;
  const inferenceThreads = workers
    .filter(({ formats }) => formats.includes(bundle.format))
    .reduce((sum, worker) => sum + worker.inferenceThreads, 0);
  const images = dataset.images;
  const secondsPerPosition = secondsPerPositionOf.get(bundle.name);
  const evaluatedShare = refine === null ? 1 : refine.share;
  const evaluated =
    positionsPerImage === null ? null : Math.ceil(positionsPerImage * evaluatedShare);
  const seconds =
    evaluated === null || secondsPerPosition === undefined || inferenceThreads === 0
      ? null
      : (images * evaluated * secondsPerPosition) / inferenceThreads;
  const targets = target.kind === 'top' ? target.k : 1;
  const { height, width } = bundle.input;
  const arrays = (positions: number) =>
    numberBytes * (positions * (targets + 1) + height * width * targets);
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
        : images * (arrays(positionsPerImage) + 2 * pictureBytes * targets),
  };
}
