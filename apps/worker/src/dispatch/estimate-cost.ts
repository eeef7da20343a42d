import type { Progress } from '@umbra/platform/redis/job-progress';
import type { JobRecord } from '@umbra/shared/contracts/job';
import type { FleetSnapshot } from './fleet-snapshot.js';
import type { LoadedJob } from './tracked-job.js';

/** Positions of an image whose size is not known, before the job's first image is finished. */
const assumedPositions = 200;
/** Seconds per position of a model that was never measured. */
const assumedSecondsPerPosition = 0.02;

/** Capacity that serves a job, as `launchImages` sizes its shards by. */
export type JobCapacity = {
  /** Inference threads that serve the job's queue. */
  readonly inferenceThreads: number;
  /** Measured in one inference thread; null while the model was never measured. */
  readonly secondsPerPosition: number | null;
};

export const capacityFor = (
  { job, loaded }: LoadedJob,
  { inferenceThreads, measured }: FleetSnapshot,
): JobCapacity => ({
  inferenceThreads: inferenceThreads[loaded.queue],
  secondsPerPosition: measured.get(job.model.digest)?.secondsPerPosition ?? null,
});

/** Estimate the time that one inference thread needs for an image of a job, seconds. */
export function estimateImageSeconds(
  { positionsPerImage, model }: JobRecord,
  progress: Progress | null,
  { measured }: FleetSnapshot,
): number {
  const positions =
    progress !== null && progress.completed > 0
      ? progress.positions / progress.completed
      : assumedPositions;
  const seconds = measured.get(model.digest)?.secondsPerPosition ?? assumedSecondsPerPosition;
  return Math.max(1e-6, (positionsPerImage ?? positions) * seconds);
}
