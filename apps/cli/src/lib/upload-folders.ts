import { openAsBlob } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dataset, NewDataset, UmbraClient } from '@umbra/client';
import { AppError, hasCode, invalidInput, reportError } from '@umbra/shared/errors';
import { pollMs } from './service.js';

type Refusals = NewDataset['refusals'];
type LocalFile = { readonly path: string; readonly name: string; readonly bytes: number };

export type UploadEvents = {
  /** @param files Sent so far. */
  readonly onSent: (files: number) => void;
  /** Files that were not taken, as soon as that is known. */
  readonly onRefused: (refusals: Refusals) => void;
};

/** Images of one request, all of which are sent again where it breaks off. */
const batchFiles = 200;
const batchBytes = 64 * 1024 * 1024;
const attempts = 6;
const firstPauseMs = 250;

/** Whether any of these is a folder, or an archive of folders. */
export async function hasFolder(paths: readonly string[]): Promise<boolean> {
  const found = await Promise.all(
    paths.map(async (path) => isArchive(path) || (await stat(path)).isDirectory()),
  );
  return found.includes(true);
}

const isArchive = (path: string): boolean => /\.(zip|tar|tgz|tar\.gz)$/i.test(path);

/**
 * Make a dataset of folders of photos, or archives of them, each photo labelled by the folder that it lies
 * in, in batches that are sent again when they break off: the service takes the same file once.
 *
 * @throws {UmbraError} If the service refuses, or is away for long; {AppError} if nothing is an image.
 */
export async function uploadFolders(
  client: UmbraClient,
  paths: readonly string[],
  { onSent, onRefused }: UploadEvents,
): Promise<Dataset> {
  const open = (await (await post(client, '/v1/datasets', '{}')).json()) as Dataset;
  const at = `/v1/datasets/${open.id}`;
  let sent = 0;
  const skip = (name: string, error: unknown): void => {
    const message =
      'Expected a file that can be read, got a broken link, or a name that is not UTF-8';
    onRefused([{ name, error: reportError(invalidInput(message, error)) }]);
  };
  for await (const batch of batches(listPhotos(paths, skip))) {
    const answer = await retried(() => sendBatch(client, at, batch));
    onRefused(answer.refusals);
    sent += batch.length;
    onSent(sent);
  }
  if (sent === 0) throw invalidInput('Expected photos in the folders, got none');
  await retried(() => client.request(`${at}/close`, { method: 'POST' }));
  for (;;) {
    const dataset = (await (await retried(() => client.request(at))).json()) as Dataset;
    if (dataset.state === 'ready') return dataset;
    if (dataset.state === 'failed') {
      throw new AppError('unprocessable', dataset.error?.message ?? 'The dataset failed');
    }
    await sleep(pollMs);
  }
}

async function sendBatch(client: UmbraClient, at: string, batch: readonly LocalFile[]) {
  const form = new FormData();
  for (const { path, name } of batch) form.append('images', await openAsBlob(path), name);
  const response = await client.request(`${at}/images?labels=folder`, {
    method: 'POST',
    body: form,
  });
  return (await response.json()) as NewDataset;
}

const post = (client: UmbraClient, path: string, body: string): Promise<Response> =>
  retried(() =>
    client.request(path, { method: 'POST', body, headers: { 'content-type': 'application/json' } }),
  );

/** Try again where the service is away; what it refuses is refused. */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === attempts || !hasCode(error, 'unavailable')) throw error;
      await sleep(firstPauseMs * 2 ** attempt);
    }
  }
}

/** Files of folders by their paths within; other files by their names. Hidden ones are left out. */
async function* listPhotos(paths: readonly string[], skip: Skip): AsyncGenerator<LocalFile> {
  for (const path of paths) {
    const info = await stat(path);
    if (info.isDirectory()) yield* walk(path, '', skip);
    else yield { path, name: basename(path), bytes: info.size };
  }
}

/** Told of a file that cannot be looked at. */
type Skip = (name: string, error: unknown) => void;

async function* walk(folder: string, within: string, skip: Skip): AsyncGenerator<LocalFile> {
  const names: string[] = [];
  for await (const entry of await opendir(folder)) names.push(entry.name);
  for (const name of names.filter((one) => !one.startsWith('.')).sort()) {
    const path = join(folder, name);
    const info = await stat(path).catch((error: unknown) => skip(`${within}${name}`, error));
    if (info === undefined) continue;
    if (info.isDirectory()) yield* walk(path, `${within}${name}/`, skip);
    else if (info.isFile()) yield { path, name: `${within}${name}`, bytes: info.size };
  }
}

async function* batches(photos: AsyncIterable<LocalFile>): AsyncGenerator<LocalFile[]> {
  let batch: LocalFile[] = [];
  let bytes = 0;
  for await (const photo of photos) {
    const isFull = batch.length === batchFiles || bytes + photo.bytes > batchBytes;
    if (batch.length > 0 && isFull) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(photo);
    bytes += photo.bytes;
  }
  if (batch.length > 0) yield batch;
}
