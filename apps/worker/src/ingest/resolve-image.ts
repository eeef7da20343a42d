import { examine, type Facts, readLimited, type UploadLimits } from '@umbra/datasets';
import { keys } from '@umbra/platform/store/keys';
import type { SourcePlace } from '@umbra/platform/store/source-stores';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { ManifestLine } from '@umbra/shared/contracts/dataset';
import { AppError, hasCode, integrity, notFound } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';
import type { Place } from './read-source.js';

/** What is known of an image, and where it lies if not in the dataset. */
export type Found = Facts & { readonly source?: SourcePlace };

/** Of a bounded number of images, so that a manifest that names few of them often asks rarely. */
const remembered = 50_000;

/**
 * Read images that lines refer to, and prove them.
 *
 * @returns What is known already at once, and else a promise.
 */
export function createResolver(
  services: Pick<WorkerServices, 'sources'>,
  place: Place,
  limits: UploadLimits,
): (line: ManifestLine) => Found | Promise<Found> {
  const known = new Map<string, Found | Promise<Found>>();
  const find = (line: ManifestLine): Promise<Found> => {
    if (line.uri !== undefined) return findSource(services, line.uri, limits);
    return findStored(place, line.sha256 ?? '', line.dataset, limits);
  };
  return (line) => {
    const name = line.uri ?? `${line.dataset ?? ''}/${line.sha256}`;
    const found = known.get(name);
    if (found !== undefined) return found;
    if (known.size >= remembered) known.clear();
    const finding = find(line);
    known.set(name, finding);
    finding.then(
      (facts) => known.set(name, facts),
      // Asked again, as a store may be back by then.
      () => known.delete(name),
    );
    return finding;
  };
}

/** An image where it lies. */
async function findSource(
  { sources }: Pick<WorkerServices, 'sources'>,
  uri: string,
  limits: UploadLimits,
): Promise<Found> {
  const source = sources.locate(uri);
  const content = await readAt(sources.open(source), source.key, limits).catch(translateDenial);
  return { ...(await examine(content, limits)), source };
}

/** An image of this dataset, or of another one of the tenant's, which is copied. */
async function findStored(
  { store, tenant, dataset }: Place,
  sha256: string,
  from: string | undefined,
  limits: UploadLimits,
): Promise<Found> {
  const key = keys.image(tenant, from ?? dataset, sha256);
  const content = await readAt(store, key, limits).catch((error: unknown) => {
    if (!hasCode(error, 'not_found')) throw error;
    const where = from === undefined ? 'this dataset' : `dataset '${from}'`;
    throw notFound(`There is no image ${sha256} in ${where}`);
  });
  const facts = await examine(content, limits);
  if (facts.sha256 !== sha256) {
    throw integrity(`Expected an image of sha256 ${sha256}, got ${facts.sha256}`);
  }
  const copy = keys.image(tenant, dataset, sha256);
  if (copy !== key && (await store.head(copy)) === null) await store.put(copy, content);
  return facts;
}

async function readAt(store: ObjectStore, key: string, limits: UploadLimits): Promise<Buffer> {
  const { body, bytes } = await store.stream(key);
  if (bytes <= limits.maxBytes) return readLimited(body, limits);
  body.destroy();
  throw new AppError(
    'too_large',
    `Expected an image of at most ${limits.maxBytes} bytes, got ${bytes}`,
  );
}

/** A user's bucket that will not be read is not a store that is away: trying again is no help. */
export function translateDenial(error: unknown): never {
  const { cause } = (error ?? {}) as { cause?: { $metadata?: { httpStatusCode?: number } } };
  const status = cause?.$metadata?.httpStatusCode;
  if (hasCode(error, 'unavailable') && status !== undefined && status >= 300 && status < 500) {
    throw new AppError('unprocessable', `${error.message}: it cannot be read`, { cause: error });
  }
  throw error;
}
