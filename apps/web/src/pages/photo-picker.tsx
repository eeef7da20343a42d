import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { filePath, type ImageOfJob } from '../api/images.js';
import { type ImageStatus, isEnded, type JobStatus, listImages, listJobs } from '../api/jobs.js';
import type { ModelDetail } from '../api/models.js';
import { formatTime } from '../lib/format.js';
import type { ModelView } from '../lib/model-view.js';
import { Pick } from '../parts/choices.js';
import { Loading, Trouble } from '../parts/states.js';
import { titleOf } from './jobs.js';

/** Photos of a job that are offered. */
const maxOffered = 24;

/** The photos on which a layer can be seen. */
export type LayerPhoto = {
  /** Jobs of this very model with finished images, the newest first. */
  readonly jobs: readonly JobStatus[];
  readonly job: string | null;
  readonly images: readonly ImageStatus[];
  readonly chosen: ImageOfJob | null;
  readonly isLoading: boolean;
  readonly error: Error | null;
};

/** The photo of the address, or the first of the newest job; null where no job of the model has finished any. */
export function useLayerPhoto({ name, digest }: ModelDetail, view: ModelView): LayerPhoto {
  const jobs = useQuery({
    queryKey: ['jobs', 'of', digest],
    queryFn: ({ signal }) => listJobs(signal),
    select: (all) =>
      all.filter(
        (job) =>
          job.model.name === name &&
          job.model.digest === digest &&
          isEnded(job) &&
          job.counts.completed > 0,
      ),
    staleTime: 10_000,
  });
  const job = view.job ?? jobs.data?.[0]?.id ?? null;
  const images = useQuery({
    queryKey: ['images', job, 'offered'],
    queryFn: ({ signal }) =>
      listImages(job ?? '', { limit: maxOffered, state: 'completed' }, signal),
    enabled: job !== null,
    staleTime: 60_000,
  });
  const offered = images.data?.data ?? [];
  const image = view.image ?? offered[0]?.id ?? null;
  return {
    jobs: jobs.data ?? [],
    job,
    images: offered,
    chosen: job === null || image === null ? null : { job, image },
    isLoading: jobs.isPending || (job !== null && images.isPending),
    error: jobs.error ?? images.error,
  };
}

export type PhotoPickerProps = {
  readonly photo: LayerPhoto;
  readonly model: ModelDetail;
  readonly view: ModelView;
  readonly change: (change: Partial<ModelView>) => void;
};

/** Chooses the photo that a layer is seen on. */
export function PhotoPicker({ photo, model, change }: PhotoPickerProps) {
  const { jobs, job, images, chosen, isLoading, error } = photo;
  const isListed = jobs.some(({ id }) => id === job);
  return (
    <section className="card layer-card">
      <h3>On a photo</h3>
      {error !== null && <Trouble error={error} />}
      {error === null && isLoading && <Loading what="the photos" />}
      {error === null && !isLoading && job === null && (
        <p className="note">
          No photo was explained with this model yet.{' '}
          <Link href={`/?model=${encodeURIComponent(model.name)}`}>Explain one</Link>, and this
          layer is shown at work on it.
        </p>
      )}
      {error === null && job !== null && !isLoading && (
        <>
          <Pick
            label="Job"
            value={job}
            choices={[
              ...(isListed ? [] : [{ value: job, label: job }]),
              ...jobs.map((one) => ({
                value: one.id,
                label: titleOf(one),
                note: formatTime(one.createdAt),
              })),
            ]}
            onChange={(next) => change({ job: next, image: null, maps: 1 })}
          />
          <ul className="offered" aria-label="Photos of the job">
            {images.map(({ id, name }) => (
              <li key={id}>
                <button
                  type="button"
                  className="offered-photo"
                  aria-pressed={id === chosen?.image}
                  aria-label={name}
                  title={name}
                  onClick={() => change({ job, image: id, maps: 1 })}
                >
                  <img src={filePath({ job, image: id }, 'thumbnail.webp')} alt="" loading="lazy" />
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
