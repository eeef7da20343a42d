import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { inspectImage } from '@umbra/engine';
import {
  AppError,
  type Dataset,
  type DatasetItem,
  hasCode,
  imageIdAt,
  keys,
  newDatasetId,
  putJson,
  type Refusal,
  reportError,
} from '@umbra/shared';
import type { Context } from '../context.js';
import { ProblemError } from '../problems.js';

/** How many refusals an answer lists; all are in the store. */
const listedRefusals = 100;

/** Takes the files of one upload, one at a time, and makes a dataset of the good ones. */
export type Collector = {
  /** Take one file in; a bad one is refused and the rest goes on. Always reads `body` to its end. */
  add(name: string, body: Readable): Promise<void>;
  refuse(name: string, error: unknown): void;
  finish(): Promise<{ dataset: Dataset; refusals: readonly Refusal[] }>;
};

/**
 * @param folder A scratch folder for the manifest, which is written to the store at the end: a
 *   broken upload leaves no dataset.
 */
export function createCollector(context: Context, tenant: string, folder: string): Collector {
  const { store, config } = context;
  const id = newDatasetId();
  const path = join(folder, 'manifest.jsonl');
  const manifest = createWriteStream(path);
  const refusals: Refusal[] = [];
  let images = 0;
  let bytes = 0;
  let refused = 0;

  const refuse = (name: string, error: unknown) => {
    refused += 1;
    if (refusals.length < listedRefusals) refusals.push({ name, error: reportError(error) });
  };
  const accept = async (name: string, content: Buffer) => {
    const { width, height } = await inspectImage(content, {
      maxPixels: config.UMBRA_MAX_IMAGE_PIXELS,
    });
    const sha256 = createHash('sha256').update(content).digest('hex');
    await store.put(keys.image(tenant, id, sha256), content);
    const item: DatasetItem = {
      version: 1,
      id: imageIdAt(images),
      name,
      sha256,
      bytes: content.length,
      width,
      height,
    };
    images += 1;
    bytes += content.length;
    if (!manifest.write(`${JSON.stringify(item)}\n`)) await once(manifest, 'drain');
  };

  return {
    refuse,
    async add(name, body) {
      const label = name.slice(0, 200);
      try {
        const safe = safeName(name);
        await accept(safe, await readAll(body, config.UMBRA_MAX_IMAGE_BYTES));
      } catch (error) {
        body.resume();
        // A fault of ours is no fault of the file: the upload as a whole is to be tried again.
        if (!hasCode(error) || error.code === 'unavailable') throw error;
        refuse(label, error);
      }
    },
    async finish() {
      manifest.end();
      await finished(manifest);
      if (images === 0) {
        throw new ProblemError('invalid_input', 'Expected at least one image, got none', {
          refusals,
        });
      }
      await store.putStream(keys.manifest(tenant, id), createReadStream(path));
      const createdAt = new Date().toISOString();
      const dataset: Dataset = {
        version: 2,
        id,
        state: 'ready',
        metadata: {},
        createdAt,
        readyAt: createdAt,
        failedAt: null,
        ...{ images, bytes, refused, duplicates: 0, labelled: 0 },
        error: null,
      };
      await putJson(store, keys.dataset(tenant, id), dataset);
      return { dataset, refusals };
    },
  };
}

/**
 * The name as given, if it is a plain relative path.
 *
 * @throws {AppError} `invalid_input`
 */
function safeName(name: string): string {
  const segments = name.split('/');
  const bad =
    name === '' ||
    name.length > 1024 ||
    /[\\\p{Cc}]/u.test(name) ||
    /^[A-Za-z]:/.test(name) ||
    segments.some((segment) => segment === '' || segment === '.' || segment === '..');
  if (bad) {
    throw new AppError(
      'invalid_input',
      "Expected a relative file name without '..' or backslashes",
    );
  }
  return name;
}

/** @throws {AppError} `too_large`, with the rest of the stream read and thrown away. */
async function readAll(body: Readable, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += (chunk as Buffer).length;
    if (length <= limit) chunks.push(chunk as Buffer);
    else chunks.length = 0;
  }
  if (length > limit) {
    throw new AppError('too_large', `Expected an image of at most ${limit} bytes, got ${length}`);
  }
  return Buffer.concat(chunks);
}
