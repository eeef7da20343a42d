import { openAsBlob } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dataset, NewDataset, UmbraClient } from '@umbra/client';
import { AppError, invalidInput, reportError } from '@umbra/shared/errors';
import { type LocalFile, listPhotos, type Skip, statGiven } from './local-photos.js';
import { pollMs } from './service.js';

export type Refusals = NewDataset['refusals'];

export type UploadEvents = {
  /** @param files Sent so far. */
  readonly onSent: (files: number) => void;
  /** Files that were not taken, as soon as that is known. */
  readonly onRefused: (refusals: Refusals) => void;
};

/** Images of one request, all of which are sent again where it breaks off. */
const batchFiles = 200;
const batchBytes = 64 * 1024 * 1024;

/** Whether any of these is a folder, or an archive of folders. */
export async function hasFolder(paths: readonly string[]): Promise<boolean> {
  const found = await Promise.all(
    paths.map(async (path) => isArchive(path) || (await statGiven(path)).isDirectory()),
  );
  return found.includes(true);
}

const isArchive = (path: string): boolean => /\.(zip|tar|tgz|tar\.gz)$/i.test(path);

/**
 * Make a dataset of folders of photos, or archives of them, each photo labelled by the folder that it lies
 * in, in batches that may be sent again: the service takes the same file once.
 *
 * @param client One that waits for the service.
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
  const skip: Skip = (name, error) => onRefused([{ name, error: reportError(error) }]);
  for await (const batch of batches(listPhotos(paths, skip))) {
    const answer = await sendBatch(client, at, batch);
    onRefused(answer.refusals);
    sent += batch.length;
    onSent(sent);
  }
  if (sent === 0) throw invalidInput('Expected photos in the folders, got none');
  await client.request(`${at}/close`, { method: 'POST' });
  for (;;) {
    const dataset = (await (await client.request(at)).json()) as Dataset;
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
  client.request(path, { method: 'POST', body, headers: { 'content-type': 'application/json' } });

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
