import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { storedName } from '@umbra/engine';
import {
  type ArchiveStep,
  type ImageFiles,
  readImages,
} from '@umbra/platform/archive/archive-images';
import { openPart } from '@umbra/platform/archive/archive-part';
import { parseJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { makeTemporaryFolder } from '@umbra/platform/temporary-folders';
import { isFinal, type JobRecord } from '@umbra/shared/contracts/job';
import type { Outputs } from '@umbra/shared/contracts/outputs';
import { imageResult, type ResultFile } from '@umbra/shared/contracts/result';
import { AppError, hasCode, isRetryable, notFound } from '@umbra/shared/errors';
import { type Exchange, sendBody } from '../http/send-object.js';
import { filesOf, openDrawing } from './draw-file.js';
import type { FileServices } from './send-file.js';

/** An archive holds a place for drawing only while it draws: one file, and the next one waits for its turn. */
const filesAhead = { atOnce: 2, maxWeight: 32 * 1024 * 1024 };
/** Times that one file waits for a turn, each at most `UMBRA_MAX_WAIT_MS`. */
const maxWaits = 10;
/** Time between those waits, times the number of those that were, ms. */
const betweenWaitsMs = 1_000;

/** An archive that is made for one client: a job that has ended, and the kinds of files that it asks for. */
export type AskedArchive = { readonly job: JobRecord; readonly include: Outputs };

/**
 * Write a zip of some files of all finished images, and send it as it is written. Files that are not stored
 * are drawn for it.
 *
 * @throws {AppError} Before the first byte: `conflict` for a job that has not ended; `not_found` where its list
 *   of images is gone; `unavailable` where too many downloads wait. After it, the connection is closed.
 */
export async function sendArchive(
  services: FileServices,
  asked: AskedArchive,
  exchange: Exchange,
): Promise<void> {
  const { job } = asked;
  if (!isFinal(job.state)) {
    throw new AppError(
      'conflict',
      `Job '${job.id}' is ${job.state}; its files are archived once it has ended`,
    );
  }
  const manifest = keys.manifest(exchange.tenant, job.dataset);
  if ((await services.store.head(manifest, exchange.signal)) === null) {
    throw notFound(
      `Dataset '${job.dataset}' of job '${job.id}' is gone: its images cannot be listed`,
    );
  }
  const { request, response } = exchange;
  if (request.method === 'HEAD') return void response.type('application/zip').end();
  await services.turns.downloads.run(exchange, () => writeArchive(services, asked, exchange));
}

async function writeArchive(
  services: FileServices,
  asked: AskedArchive,
  exchange: Exchange,
): Promise<void> {
  const { store, config, turns } = services;
  const { tenant, signal } = exchange;
  const { job } = asked;
  const folder = await makeTemporaryFolder('archive');
  let bytes = 0;
  const send = async (body: Readable) => {
    // What fails before the first byte is answered in words.
    await once(body, 'readable');
    exchange.response.attachment(`${job.id}.zip`).type('application/zip');
    const note = (chunk: Buffer) => {
      bytes += chunk.length;
      turns.downloads.moved();
    };
    await sendBody(config, body.on('data', note), exchange, true);
    return { bytes };
  };
  const unfinishedAs = job.state === 'expired' ? 'expired' : 'cancelled';
  try {
    const part = await openPart({
      ...{ send, job, unfinishedAs, name: `${job.id}.zip` },
      folder: join(folder, 'zip'),
    });
    try {
      const steps = readImages({
        ...{ store, tenant, job, ahead: filesAhead },
        mayLack: job.state !== 'completed',
        open: (image, description) =>
          openFiles(services, { ...asked, image, description }, exchange),
      });
      for await (const step of steps) {
        signal.throwIfAborted();
        await part.add(withReason(step));
      }
      await part.finish();
    } catch (error) {
      await part.abandon(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the store has lost is no reason to end the download of all other images. */
function withReason(step: ArchiveStep): ArchiveStep {
  const { outcome } = step;
  if (outcome.state !== 'lost') return step;
  const message = `Expected ${outcome.lost}, which cannot be had: ${outcome.reason}`;
  return { ...step, outcome: { state: 'failed', error: { code: 'not_found', message } } };
}

type AskedFiles = AskedArchive & { readonly image: string; readonly description: Buffer };

/** Open a finished image's files of the kinds that are asked for. */
function openFiles(
  services: FileServices,
  { job, include, image, description }: AskedFiles,
  { tenant, signal }: Exchange,
): ImageFiles {
  const result = parseJson(description.toString(), imageResult, `the result of '${image}'`);
  const asked = filesOf(result).filter(({ kind }) => include.includes(kind));
  const draw = openDrawing(services, { tenant, job, result });
  const read = async (name: ResultFile): Promise<Buffer> => {
    if (result.files.includes(name)) {
      const stored = await services.store
        .get(keys.result(tenant, job.id, image, name))
        .catch(nullIfMissing);
      if (stored !== null) return stored;
    }
    return waitForTurn(services, { tenant, signal }, () => draw(name, signal));
  };
  return {
    names: asked.map((entry) => storedName(result, entry)),
    // The faults of an image are told of that image; those of this service end the download.
    read: (name) =>
      read(name).catch((error: unknown) => {
        throw isRetryable(error) ? error : notFound((error as Error).message);
      }),
  };
}

const nullIfMissing = (error: unknown): null => {
  if (hasCode(error, 'not_found')) return null;
  throw error;
};

/** Draw in a turn. A long download is not broken off because others draw for longer than a wait may take. */
async function waitForTurn<T>(
  { turns }: Pick<FileServices, 'turns'>,
  caller: Pick<Exchange, 'tenant' | 'signal'>,
  draw: () => Promise<T>,
): Promise<T> {
  for (let waits = 1; ; waits++) {
    let giveBack: () => void;
    try {
      giveBack = await turns.drawings.take(caller);
    } catch (error) {
      if (waits >= maxWaits || !hasCode(error, 'unavailable')) throw error;
      // Beyond the queue's length it is refused at once.
      await sleep(waits * betweenWaitsMs, undefined, { signal: caller.signal });
      continue;
    }
    try {
      return await draw();
    } finally {
      giveBack();
    }
  }
}
