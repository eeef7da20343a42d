import { isFinal, type JobRecord } from '@umbra/shared/contracts/job';
import type { ImageState, ImageStatus } from '@umbra/shared/contracts/result';
import { imageIndexOf } from '@umbra/shared/ids';
import {
  type ManifestPage,
  type ManifestPageQuery,
  readManifestPage,
} from '../datasets/manifest-pages.js';
import type { Page } from '../http/pages.js';
import type { ApiServices } from '../services.js';
import { readImageState } from './image-state.js';

/** Maximum number of images whose state is read for one page of those in a state. */
const maxScanned = 1_000;
const readsAtOnce = 20;

export type ImagesQuery = ManifestPageQuery & {
  /** State of the images listed; all where undefined. */
  readonly state?: ImageState | undefined;
};

/**
 * List a page of a job's images.
 *
 * A page of the images in one state may hold fewer than `limit`, even none, and have a next one.
 *
 * @throws {AppError} `unavailable` while Redis, which knows of the images that run, cannot be reached.
 */
export async function listImages(
  services: Pick<ApiServices, 'store' | 'progress'>,
  tenant: string,
  job: JobRecord,
  { limit, cursor = 0, state }: ImagesQuery,
): Promise<Page<ImageStatus>> {
  const scanned = state === undefined ? limit : Math.max(limit, maxScanned);
  const dataset = { tenant, id: job.dataset };
  const page = await readManifestPage(services.store, dataset, { limit: scanned, cursor });
  const { items } = page;
  const data: ImageStatus[] = [];
  let end = items.length === 0 ? page.end : cursor;
  for (let start = 0; start < items.length && data.length < limit; start += readsAtOnce) {
    const batch = await readStates(services, tenant, job, items.slice(start, start + readsAtOnce));
    for (const { status, end: itemEnd } of batch) {
      if (data.length === limit) break;
      end = itemEnd;
      if (state === undefined || status.state === state) data.push(status);
    }
  }
  return { data, next_cursor: page.cursorAt(end) };
}

async function readStates(
  { store, progress }: Pick<ApiServices, 'store' | 'progress'>,
  tenant: string,
  { id: jobId, state: jobState }: JobRecord,
  items: ManifestPage['items'],
): Promise<{ readonly status: ImageStatus; readonly end: number }[]> {
  // Before the store: an image that is finished meanwhile is found there.
  const indices = items.map(({ item }) => imageIndexOf(item.id));
  const inFlight = isFinal(jobState) ? [] : await progress.readInFlight(jobId, indices);
  return Promise.all(
    items.map(async ({ item: { id, name }, end }, index) => {
      const { state, error } = await readImageState(store, { tenant, id: jobId }, id);
      const isRunning = state === 'pending' && inFlight[index] === true;
      return { status: { id, name, state: isRunning ? 'running' : state, error }, end };
    }),
  );
}
