import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { sha256 } from '../contracts/dataset.js';
import { type ModelBundle, type ModelSummary, modelBundle } from '../contracts/model.js';
import { hasCode, integrity, invalidInput, notFound } from '../errors.js';
import { assertKey, keys } from './keys.js';
import type { ObjectStore } from './store.js';

const description = 'bundle.json';

export type DescribedBundle = { readonly bundle: ModelBundle; readonly digest: string };

/**
 * Read a bundle's description; its digest, the sha256 of `bundle.json`, stands for all its files.
 *
 * @throws {AppError} `invalid_input` if there is no valid `bundle.json` in the folder.
 */
export async function readBundle(folder: string): Promise<DescribedBundle> {
  const path = join(folder, description);
  const text = await readFile(path).catch((error: unknown) => {
    throw invalidInput(`Expected a model's description at '${path}'`, error);
  });
  return { bundle: parseBundle(text, path), digest: hash(text) };
}

/**
 * Hold every file of a bundle to its listed size and sha256.
 *
 * @throws {AppError} `integrity` naming the file, what was expected and what was found.
 */
export async function verifyBundle(folder: string, bundle: ModelBundle): Promise<void> {
  for (const file of bundle.files) {
    const path = join(folder, file.path);
    const size = await stat(path).then(
      (info) => info.size,
      () => null,
    );
    if (size !== file.bytes) {
      throw integrity(
        `Expected ${file.bytes} bytes in '${file.path}' of model '${bundle.name}', got ${size ?? 'no file'}`,
      );
    }
    const found = await hashFile(path);
    if (found !== file.sha256) {
      throw integrity(
        `Expected '${file.path}' of model '${bundle.name}' to have sha256 ${file.sha256}, got ${found}`,
      );
    }
  }
}

/** Put a bundle into the store and make it the current one of its name. Safe to repeat. */
export async function publishModel(store: ObjectStore, folder: string): Promise<ModelSummary> {
  const { bundle, digest } = await readBundle(folder);
  await verifyBundle(folder, bundle);
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

/** @throws {AppError} `integrity` if a model's description is missing or damaged. */
export async function listModels(store: ObjectStore): Promise<ModelSummary[]> {
  const models: ModelSummary[] = [];
  for (const name of await modelNames(store)) models.push(await findModel(store, name));
  return models;
}

async function modelNames(store: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of store.list(keys.models())) {
    const [, name, file, ...rest] = key.split('/');
    if (name !== undefined && file === 'current' && rest.length === 0) names.push(name);
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

/** The description of a stored model. @throws {AppError} `not_found` */
export async function describeModel(
  store: ObjectStore,
  name: string,
  digest: string,
): Promise<ModelBundle> {
  const key = keys.modelFile(name, digest, description);
  const text = await store.get(key);
  const found = hash(text);
  if (found !== digest) {
    throw integrity(`Expected '${key}' to have sha256 ${digest}, got ${found}`);
  }
  return parseBundle(text, key);
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
  const bundle = await describeModel(store, name, digest);
  const temporary = join(cacheFolder, `.${randomUUID()}`);
  try {
    await mkdir(temporary, { recursive: true });
    for (const path of [description, ...bundle.files.map((file) => file.path)]) {
      const { body } = await store.stream(keys.modelFile(name, digest, path));
      await pipeline(body, createWriteStream(join(temporary, path)));
    }
    await verifyBundle(temporary, bundle);
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

/** @throws {AppError} `invalid_input` naming each bad field. */
export function parseBundle(text: Buffer, where: string): ModelBundle {
  let value: unknown;
  try {
    value = JSON.parse(text.toString());
  } catch (error) {
    throw invalidInput(`Expected JSON in '${where}'`, error);
  }
  const parsed = modelBundle.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw invalidInput(`Bad model description '${where}': ${problems.join('; ')}`);
}

function summarise(bundle: ModelBundle, digest: string): ModelSummary {
  const { name, format, licence } = bundle;
  const { height, width } = bundle.input;
  return { name, digest, format, input: { height, width }, licence };
}

const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function hashFile(path: string): Promise<string> {
  const digest = createHash('sha256');
  await pipeline(createReadStream(path), digest);
  return digest.digest('hex');
}

/** What a bundle lists of a file, given by its path or its content. */
export async function digestOf(
  file: string | Buffer,
): Promise<{ readonly sha256: string; readonly bytes: number }> {
  return typeof file === 'string'
    ? { sha256: await hashFile(file), bytes: (await stat(file)).size }
    : { sha256: hash(file), bytes: file.length };
}
