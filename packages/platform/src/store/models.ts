import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { sha256 } from '@umbra/shared/contracts/dataset';
import {
  classPair,
  type DescribedBundle,
  type ModelBundle,
  type ModelDetail,
  type ModelSummary,
  parseBundle,
  parseClassNames,
} from '@umbra/shared/contracts/model';
import { hasCode, integrity, notFound } from '@umbra/shared/errors';
import { matchKey } from './key-layout.js';
import { assertKey, keys } from './keys.js';
import type { ObjectStore } from './store.js';

const description = 'bundle.json';

/**
 * Put a bundle into the store and make it the current one of its name. Safe to repeat.
 *
 * @param folder The bundle's folder, whose files the caller has verified.
 */
export async function publishModel(
  store: ObjectStore,
  folder: string,
  { bundle, digest }: DescribedBundle,
): Promise<ModelSummary> {
  const { name } = bundle;
  if ((await store.head(keys.modelFile(name, digest, description))) === null) {
    for (const { path } of bundle.files) {
      await store.putStream(
        keys.modelFile(name, digest, path),
        createReadStream(join(folder, path)),
      );
    }
    // The description last: where it stands, all files do.
    await store.put(
      keys.modelFile(name, digest, description),
      await readFile(join(folder, description)),
    );
  }
  await store.put(keys.currentModel(name), digest);
  return summarise(bundle, digest);
}

/** Read a stored model's class names, in the order of its classes; undefined where it has none. */
export async function readClassNames(
  store: ObjectStore,
  { bundle, digest }: DescribedBundle,
): Promise<readonly string[] | undefined> {
  const { name, labels, output } = bundle;
  if (labels === undefined) return classPair(output) ?? undefined;
  return parseClassNames(await store.get(keys.modelFile(name, digest, labels)), bundle);
}

/** @throws {AppError} `integrity` if a model's description is missing or damaged. */
export async function listModels(store: ObjectStore): Promise<ModelSummary[]> {
  const models: ModelSummary[] = [];
  for (const name of await modelNames(store)) models.push(await findModel(store, name));
  return models;
}

async function modelNames(store: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of store.list(keys.models())) {
    const current = matchKey('currentModel', key);
    if (current !== null) names.push(current.name);
  }
  return names;
}

/**
 * @throws {AppError} `not_found` naming the models there are; `integrity` if the model is there, but
 *   its description is not, or is damaged.
 */
export async function findModel(store: ObjectStore, name: string): Promise<ModelSummary> {
  const digest = await currentDigest(store, name);
  try {
    return summarise(await describeModel(store, name, digest), digest);
  } catch (error) {
    if (!hasCode(error, 'not_found')) throw error;
    throw integrity(`Expected the description of model '${name}', ${digest}, to be stored`, error);
  }
}

async function currentDigest(store: ObjectStore, name: string): Promise<string> {
  const key = keys.currentModel(name);
  try {
    const digest = (await store.get(key)).toString().trim();
    if (!sha256.safeParse(digest).success) throw integrity(`Expected a sha256 in '${key}'`);
    return digest;
  } catch (error) {
    if (!hasCode(error, 'not_found')) throw error;
    const known = (await modelNames(store)).slice(0, 20);
    throw notFound(`Unknown model '${name}'; known: ${known.join(', ') || 'none'}`);
  }
}

/** What a model's description says beside its summary. */
export type BundleFacts = Pick<ModelDetail, 'input' | 'classes' | 'bytes' | 'source'>;

/** @throws {AppError} As `findModel`; `integrity` if its class names are damaged. */
export async function readModelFacts(
  store: ObjectStore,
  { name, digest }: Pick<ModelSummary, 'name' | 'digest'>,
): Promise<BundleFacts> {
  const bundle = await describeModel(store, name, digest);
  const names = await readClassNames(store, { bundle, digest });
  const bytes = bundle.files.reduce((sum, file) => sum + file.bytes, 0);
  return { input: bundle.input, classes: names?.length ?? null, bytes, source: bundle.source };
}

/** The description of a stored model. @throws {AppError} `not_found` */
export async function describeModel(
  store: ObjectStore,
  name: string,
  digest: string,
): Promise<ModelBundle> {
  return (await readDescription(store, name, digest)).bundle;
}

async function readDescription(
  store: ObjectStore,
  name: string,
  digest: string,
): Promise<{ readonly bundle: ModelBundle; readonly text: Buffer }> {
  const key = keys.modelFile(name, digest, description);
  const text = await store.get(key);
  const found = hash(text);
  if (found !== digest) {
    throw integrity(`Expected '${key}' to have sha256 ${digest}, got ${found}`);
  }
  return { bundle: parseBundle(text, key), text };
}

/**
 * Bring a stored model to this machine's disk, once; processes may race for it.
 *
 * @returns The bundle's folder, whose files were verified when they arrived.
 * @throws {AppError} `not_found` if there is no such model; `integrity` if a file is damaged.
 */
export async function fetchModel(
  store: ObjectStore,
  name: string,
  digest: string,
  cacheFolder: string,
): Promise<string> {
  // Before the cache is asked: neither may lead out of it.
  assertKey(keys.modelFile(name, digest, description));
  const folder = join(cacheFolder, name, digest);
  if (existsSync(folder)) return folder;
  const { bundle, text } = await readDescription(store, name, digest);
  const temporary = join(cacheFolder, `.${randomUUID()}`);
  try {
    await mkdir(temporary, { recursive: true });
    for (const file of bundle.files) {
      const key = keys.modelFile(name, digest, file.path);
      await fetchFile(store, key, join(temporary, file.path), file);
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
export async function verifyModel(store: ObjectStore, name: string, digest: string): Promise<void> {
  const { bundle } = await readDescription(store, name, digest);
  for (const file of bundle.files) {
    await readFileTo(store, keys.modelFile(name, digest, file.path), file, async (chunks) => {
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

function summarise(bundle: ModelBundle, digest: string): ModelSummary {
  const { name, format, licence, output } = bundle;
  const { height, width, resize } = bundle.input;
  return { name, digest, format, input: { height, width, resize }, output, licence };
}

const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
