import type { ObjectStore } from '@umbra/platform/store/store';
import type { JobRecord } from '@umbra/shared/contracts/job';
import type { ImageState, ImageStatus } from '@umbra/shared/contracts/result';
import { type ManifestPageQuery, readManifestPage } from '../datasets/manifest-pages.js';
import type { Page } from '../http/pages.js';
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
 */
export async function listImages(
  store: ObjectStore,
  tenant: string,
  job: JobRecord,
  { limit, cursor = 0, state }: ImagesQuery,
): Promise<Page<ImageStatus>> {
  const scanned = state === undefined ? limit : Math.max(limit, maxScanned);
  const dataset = { tenant, id: job.dataset };
  const page = await readManifestPage(store, dataset, { limit: scanned, cursor });
  const { items } = page;
  const data: ImageStatus[] = [];
  let end = items.length === 0 ? page.end : cursor;
  for (let start = 0; start < items.length && data.length < limit; start += readsAtOnce) {
    const batch = await Promise.all(
      items.slice(start, start + readsAtOnce).map(async ({ item: { id, name }, end }) => {
        const found = await readImageState(store, { tenant, id: job.id }, id);
        return { status: { id, name, ...found }, end };
      }),
    );
    for (const { status, end: itemEnd } of batch) {
      if (data.length === limit) break;
      end = itemEnd;
      if (state === undefined || status.state === state) data.push(status);
    }
  }
  return { data, next_cursor: page.cursorAt(end) };
}
