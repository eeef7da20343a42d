import type { JobEstimate } from '@umbra/shared/contracts/job';
import type { Context } from '../services.js';
import type { CheckedRequest } from './create-job.js';

/** A picture of a few hundred px, as a PNG. */
const pictureBytes = 120_000;
const numberBytes = 4;

/** What a job would take on the fleet as it is, without making it. */
export async function estimateJob(
  { fleet, pace }: Context,
  { request, dataset, bundle, positionsPerImage }: CheckedRequest,
): Promise<JobEstimate> {
  const [workers, paces] = await Promise.all([fleet.list(), pace.read()]);
  const { target, refine } = request.settings;
  const lanes = workers
    .filter(({ formats }) => formats.includes(bundle.format))
    .reduce((sum, worker) => sum + worker.lanes, 0);
  const images = dataset.images;
  const secondsPerPosition = paces.get(bundle.name);
  const run =
    positionsPerImage === null ? null : Math.ceil(positionsPerImage * (refine?.share ?? 1));
  const seconds =
    run === null || secondsPerPosition === undefined || lanes === 0
      ? null
      : (images * run * secondsPerPosition) / lanes;
  const targets = target.kind === 'top' ? target.k : 1;
  const { height, width } = bundle.input;
  const arrays = (positions: number) =>
    numberBytes * (positions * (targets + 1) + height * width * targets);
  return {
    images,
    positionsPerImage,
    positions: positionsPerImage === null ? null : images * positionsPerImage,
    forwardPasses: run === null ? null : images * (run + 1),
    lanes,
    seconds,
    bytes:
      positionsPerImage === null
        ? null
        : images * (arrays(positionsPerImage) + 2 * pictureBytes * targets),
  };
}
