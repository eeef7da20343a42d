import type { JobEstimate } from '@umbra/shared/contracts/job';
import type { ApiServices } from '../services.js';
import type { CheckedRequest } from './create-job.js';

/** A picture of a few hundred px, as a PNG. */
const pictureBytes = 120_000;
const numberBytes = 4;

/** What a job would take on the fleet as it is, without making it. */
export async function estimateJob(
  { workerRegistry, throughput }: ApiServices,
  { request, dataset, bundle, positionsPerImage }: CheckedRequest,
): Promise<JobEstimate> {
  const [workers, pace] = await Promise.all([workerRegistry.list(), throughput.read()]);
  const { target, refine } = request.settings;
  const inferenceThreads = workers
    .filter(({ formats }) => formats.includes(bundle.format))
    .reduce((sum, worker) => sum + worker.inferenceThreads, 0);
  const images = dataset.images;
  const secondsPerPosition = pace.get(bundle.name);
  const run =
    positionsPerImage === null ? null : Math.ceil(positionsPerImage * (refine?.share ?? 1));
  const seconds =
    run === null || secondsPerPosition === undefined || inferenceThreads === 0
      ? null
      : (images * run * secondsPerPosition) / inferenceThreads;
  const targets = target.kind === 'top' ? target.k : 1;
  const { height, width } = bundle.input;
  const arrays = (positions: number) =>
    numberBytes * (positions * (targets + 1) + height * width * targets);
  return {
    images,
    positionsPerImage,
    positions: positionsPerImage === null ? null : images * positionsPerImage,
    forwardPasses: run === null ? null : images * (run + 1),
    inferenceThreads,
    seconds,
    bytes:
      positionsPerImage === null
        ? null
        : images * (arrays(positionsPerImage) + 2 * pictureBytes * targets),
  };
}
