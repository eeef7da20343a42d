import { type EventBook, type JobEventData, type JobRecord, reportError } from '@umbra/shared';
import type { Context } from './context.js';

/** Tell of a job's new state. Safe to repeat. */
export type Announce = (tenant: string, job: JobRecord) => Promise<void>;

/** Those who follow a job live hear of each of its states. */
export const createAnnounce =
  (events: EventBook): Announce =>
  async (tenant, { id, state, counts, error }) => {
    await events.add(tenant, id, 'state', { state, counts, error });
  };

/** Tell that an image is finished; an event that is lost must not fail what is done. */
export async function tellImage(
  { events, logger }: Pick<Context, 'events' | 'logger'>,
  tenant: string,
  jobId: string,
  image: JobEventData<'image'>,
): Promise<void> {
  await events.add(tenant, jobId, 'image', image).catch((reason: unknown) => {
    logger.warn({ jobId, imageId: image.id, error: reportError(reason) }, 'event lost');
  });
}

/** Tell how far a job is, now and then. */
export async function tellProgress(
  { events, progress, logger }: Pick<Context, 'events' | 'progress' | 'logger'>,
  tenant: string,
  jobId: string,
): Promise<void> {
  const read = async () => {
    const live = await progress.read(jobId);
    if (live === null) return null;
    const { completed, failed, positions } = live;
    return { completed, failed, positions };
  };
  await events.addProgress(tenant, jobId, read).catch((reason: unknown) => {
    logger.warn({ jobId, error: reportError(reason) }, 'event lost');
  });
}
