import type { ImageOfJob, ImageProgress } from '../api/images.js';
import type { JobStatus } from '../api/jobs.js';
import { type ImageDrawing, useDrawing, useImageProgress } from './use-image-maps.js';

/** An image of one of two jobs, as far as it is read. */
export type ImageSide = ImageDrawing & {
  readonly of: ImageOfJob;
  readonly job: JobStatus;
  readonly progress: ImageProgress | undefined;
};

export function useImageSide(job: JobStatus, image: string): ImageSide {
  const of = { job: job.id, image };
  const { data: progress, error } = useImageProgress(of, job);
  const drawing = useDrawing(of, job, progress);
  return { ...drawing, of, job, progress, error: error ?? drawing.error };
}
