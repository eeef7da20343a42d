import { examine, type Facts, readLimited, type UploadLimits } from '@umbra/datasets';
import { keys } from '@umbra/platform/store/keys';
import type { SourcePlace } from '@umbra/platform/store/source-stores';
import type { ObjectStore } from '@umbra/platform/store/store';
import { createCache } from '@umbra/shared/cache';
import type { ManifestLine } from '@umbra/shared/contracts/dataset';
import { AppError, hasCode, integrity, invalidInput, notFound } from '@umbra/shared/errors';
import type { SourceIngest } from './source-ingest.js';

/** Measured facts of an image, and its location if that is not the dataset. */
export type ResolvedImage = Facts & { readonly source?: SourcePlace };

/** Resolves the image that a line refers to: at once if it is known, else with a promise. */
export type ImageResolver = (line: ManifestLine) => ResolvedImage | Promise<ResolvedImage>;

type ResolverOptions = Pick<SourceIngest, 'location' | 'sources' | 'limits'>;

/** Images that are remembered: a manifest that names few of them often reads each once. */
const maxKnownImages = 50_000;

/** Read the images that lines refer to, and check them. */
export function createResolver(options: ResolverOptions): ImageResolver {
  const known = createCache<ResolvedImage | Promise<ResolvedImage>>({ maxEntries: maxKnownImages });
  return (line) => {
    const name = nameOf(line);
    const image = known.get(name);
    if (image !== undefined) return image;
    const resolving = resolve(options, line);
    known.set(name, resolving);
    resolving.then(
      (facts) => known.set(name, facts),
      // Not remembered, since a store may be reachable by the next line.
      () => known.delete(name),
    );
    return resolving;
  };
}

/** @returns A name of the image that a line refers to, the same for each line that does. */
const nameOf = ({ uri, dataset, sha256 }: ManifestLine): string =>
  uri ?? (dataset === undefined ? `${sha256}` : `${dataset}/${sha256}`);

async function resolve(options: ResolverOptions, line: ManifestLine): Promise<ResolvedImage> {
  if (line.uri !== undefined) return resolveSource(options, line.uri);
  if (line.sha256 !== undefined) return resolveStored(options, line.sha256, line.dataset);
  throw invalidInput("Expected a line with 'uri' or 'sha256', got neither");
}

/** Resolve an image of a bucket, where it lies. */
async function resolveSource(
  { sources, limits }: ResolverOptions,
  uri: string,
): Promise<ResolvedImage> {
  const source = sources.locate(uri);
  const content = await readAt(sources.open(source), source.key, limits).catch(translateDenial);
  return { ...(await examine(content, limits)), source };
}

/** Resolve an image of this dataset, or of another one of the tenant's, which is copied. */
async function resolveStored(
  { location: { store, tenant, dataset }, limits }: ResolverOptions,
  sha256: string,
  from: string | undefined,
): Promise<ResolvedImage> {
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

/** A user's bucket that denies access is not a store that is unreachable: a retry does not help. */
export function translateDenial(error: unknown): never {
  const { cause } = (error ?? {}) as { cause?: { $metadata?: { httpStatusCode?: number } } };
  const status = cause?.$metadata?.httpStatusCode;
  if (hasCode(error, 'unavailable') && status !== undefined && status >= 300 && status < 500) {
    throw new AppError('unprocessable', `${error.message}: it cannot be read`, { cause: error });
  }
  throw error;
}
