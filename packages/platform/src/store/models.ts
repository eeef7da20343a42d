import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { sha256 } from '@umbra/shared/contracts/dataset';
import {
  classPair,
  type DescribedBundle,
  type ModelBundle,
  type ModelDetail,
  type ModelSummary,
  parseClassNames,
} from '@umbra/shared/contracts/model';
import type { ModelReference } from '@umbra/shared/contracts/reference';
import { hasCode, integrity, notFound } from '@umbra/shared/errors';
import { description, putBundle, readStoredBundle, type StoredBundle } from './bundle-files.js';
import { matchKey } from './key-layout.js';
import { assertKey, defaultTenant, keys } from './keys.js';
import { listOwnNames, listOwnVersions, readOwnModel } from './own-models.js';
import type { ObjectStore } from './store.js';

/**
 * Put a bundle into the store as the service's, which every tenant has, and make it the current one of its name. Safe
 * to repeat.
 *
 * @param folder The bundle's folder, whose files the caller has verified.
 */
export async function publishModel(
  store: ObjectStore,
  folder: string,
  described: DescribedBundle,
): Promise<ModelSummary> {
  await putBundle(store, null, folder, described);
  await store.put(keys.currentModel(described.bundle.name), described.digest);
  return summarise(described, ofService);
}

/** A name as a tenant uses it: its own model, or else the service's. */
type NamedModel = { readonly tenant: string; readonly name: string };

/** A model's description, and its class names in the order of its classes; undefined where it has none. */
export type NamedBundle = {
  readonly bundle: ModelBundle;
  readonly classNames: readonly string[] | undefined;
};

/** Read a stored model's description and class names. @throws {AppError} `not_found`; `integrity` */
export async function readModel(store: ObjectStore, model: ModelReference): Promise<NamedBundle> {
  const stored = await readStoredBundle(store, model);
  return { bundle: stored.bundle, classNames: await classNamesOf(store, stored) };
}

async function classNamesOf(
  store: ObjectStore,
  { bundle, keyOf }: StoredBundle,
): Promise<readonly string[] | undefined> {
  const { labels, output } = bundle;
  if (labels === undefined) return classPair(output) ?? undefined;
  return parseClassNames(await store.get(keyOf(labels)), bundle);
}

/**
 * List the models that a tenant has: its own and the service's, each name once.
 *
 * @throws {AppError} `integrity` if a model's description is missing or damaged.
 */
export async function listModels(store: ObjectStore, tenant: string): Promise<ModelSummary[]> {
  const models: ModelSummary[] = [];
  for (const name of await modelNames(store, tenant)) {
    models.push(await findModel(store, { tenant, name }));
  }
  return models;
}

async function modelNames(store: ObjectStore, tenant: string): Promise<string[]> {
  const names = new Set([
    ...(await listServiceNames(store)),
    ...(await listOwnNames(store, tenant)),
  ]);
  return [...names].sort();
}

/** List the models that every tenant has. @throws {AppError} As `listModels`. */
export async function listServiceModels(store: ObjectStore): Promise<ModelSummary[]> {
  const models: ModelSummary[] = [];
  for (const name of await listServiceNames(store)) {
    const digest = await currentDigest(store, { tenant: defaultTenant, name });
    models.push(await summariseStored(store, { tenant: defaultTenant, name, digest }, ofService));
  }
  return models;
}

async function listServiceNames(store: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of store.list(keys.models())) {
    const current = matchKey('currentModel', key);
    if (current !== null) names.push(current.name);
  }
  return names;
}

/** Whether the service has a model of a name. */
export const isOfService = async (store: ObjectStore, name: string): Promise<boolean> =>
  (await store.head(keys.currentModel(name))) !== null;

/**
 * @throws {AppError} `not_found` naming the models there are; `integrity` if the model is there, but
 *   its description is not, or is damaged.
 */
export async function findModel(
  store: ObjectStore,
  { tenant, name }: NamedModel,
): Promise<ModelSummary> {
  const own = await readOwnModel(store, { tenant, name });
  if (own === null) {
    const digest = await currentDigest(store, { tenant, name });
    return summariseStored(store, { tenant, name, digest }, ofService);
  }
  const { digest, uploadedAt } = own;
  return summariseStored(store, { tenant, name, digest }, { scope: 'tenant', uploadedAt });
}

/** @throws {AppError} `integrity` if its description is missing or damaged. */
async function summariseStored(
  store: ObjectStore,
  model: ModelReference,
  origin: Origin,
): Promise<ModelSummary> {
  const { name, digest } = model;
  try {
    return summarise({ bundle: await describeModel(store, model), digest }, origin);
  } catch (error) {
    if (!hasCode(error, 'not_found')) throw error;
    throw integrity(`Expected the description of model '${name}', ${digest}, to be stored`, error);
  }
}

/** @throws {AppError} As `findModel`. */
async function currentDigest(store: ObjectStore, { tenant, name }: NamedModel): Promise<string> {
  const key = keys.currentModel(name);
  try {
    const digest = (await store.get(key)).toString().trim();
    if (!sha256.safeParse(digest).success) throw integrity(`Expected a sha256 in '${key}'`);
    return digest;
  } catch (error) {
    if (!hasCode(error, 'not_found')) throw error;
    const known = (await modelNames(store, tenant)).slice(0, 20);
    throw notFound(`Unknown model '${name}'; known: ${known.join(', ') || 'none'}`);
  }
}

/** List the digests of a model's stored versions, those that were replaced included. */
export async function listDigests(
  store: ObjectStore,
  { tenant, name, scope }: NamedModel & Pick<ModelSummary, 'scope'>,
): Promise<string[]> {
  if (scope === 'tenant') {
    return (await listOwnVersions(store, { tenant, name })).map(({ digest }) => digest);
  }
  const digests: string[] = [];
  for await (const { key } of store.list(keys.modelFiles(name))) {
    const found = matchKey('modelFile', key);
    if (found?.path === description) digests.push(found.digest);
  }
  return digests;
}

/** What a model's description says beside its summary. */
export type BundleFacts = Pick<ModelDetail, 'input' | 'classes' | 'bytes' | 'source'>;

/** @throws {AppError} As `findModel`; `integrity` if its class names are damaged. */
export async function readModelFacts(
  store: ObjectStore,
  model: ModelReference,
): Promise<BundleFacts> {
  const { bundle, classNames } = await readModel(store, model);
  const bytes = bundle.files.reduce((sum, file) => sum + file.bytes, 0);
  return { input: bundle.input, classes: classNames?.length ?? null, bytes, source: bundle.source };
}

/** The description of a stored model. @throws {AppError} `not_found` */
export async function describeModel(
  store: ObjectStore,
  model: ModelReference,
): Promise<ModelBundle> {
  return (await readStoredBundle(store, model)).bundle;
}

/**
 * Bring a stored model to this machine's disk, once; processes may race for it. Tenants whose models have the same
 * digest share the folder, since they have the same bytes.
 *
 * @returns The bundle's folder, whose files were verified when they arrived.
 * @throws {AppError} `not_found` if there is no such model; `integrity` if a file is damaged.
 */
export async function fetchModel(
  store: ObjectStore,
  model: ModelReference,
  cacheFolder: string,
): Promise<string> {
  const { name, digest } = model;
  // Before the cache is asked: neither may lead out of it.
  assertKey(keys.modelFile(name, digest, description));
  const folder = join(cacheFolder, name, digest);
  if (existsSync(folder)) return folder;
  const { bundle, text, keyOf } = await readStoredBundle(store, model);
  const temporary = join(cacheFolder, `.${randomUUID()}`);
  try {
    await mkdir(temporary, { recursive: true });
    for (const file of bundle.files) {
      await fetchFile(store, keyOf(file.path), join(temporary, file.path), file);
    }
    await writeFile(join(temporary, description), text);
    await mkdir(dirname(folder), { recursive: true });
    await rename(temporary, folder).catch((error: unknown) => {
      // Another process was first, with the same bytes.
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Read every file of a stored model. @throws {AppError} `integrity` unless all are what its digest says. */
export async function verifyModel(store: ObjectStore, model: ModelReference): Promise<void> {
  const { bundle, keyOf } = await readStoredBundle(store, model);
  for (const file of bundle.files) {
    await readFileTo(store, keyOf(file.path), file, async (chunks) => {
      for await (const _ of chunks);
    });
  }
}

type ListedFile = { readonly bytes: number; readonly sha256: string };

/** @throws {AppError} `integrity` unless the object is what its bundle lists. */
async function fetchFile(
  store: ObjectStore,
  key: string,
  path: string,
  expected: ListedFile,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await readFileTo(store, key, expected, (chunks) => pipeline(chunks, createWriteStream(path)));
}

/** @throws {AppError} `integrity` unless the object is what its bundle lists. */
async function readFileTo(
  store: ObjectStore,
  key: string,
  expected: ListedFile,
  write: (chunks: AsyncIterable<Buffer>) => Promise<void>,
): Promise<void> {
  const { body } = await store.stream(key);
  const digest = createHash('sha256');
  let bytes = 0;
  const measure = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      digest.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  };
  await write(measure(body));
  const found = digest.digest('hex');
  if (bytes === expected.bytes && found === expected.sha256) return;
  throw integrity(
    `Expected '${key}' to have ${expected.bytes} bytes with sha256 ${expected.sha256}, got ${bytes} with ${found}`,
  );
}

type Origin = Pick<ModelSummary, 'scope' | 'uploadedAt'>;
const ofService: Origin = { scope: 'service', uploadedAt: null };

function summarise({ bundle, digest }: DescribedBundle, origin: Origin): ModelSummary {
  const { name, format, licence, output } = bundle;
  const { height, width, resize } = bundle.input;
  return { name, digest, format, input: { height, width, resize }, output, licence, ...origin };
}
