import { parseJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { JobRecord } from '@umbra/shared/contracts/job';
import { imageResult, mediaTypeOf, type ResultFile } from '@umbra/shared/contracts/result';
import { hasCode, notFound } from '@umbra/shared/errors';
import { answerNotModified } from '../http/not-modified.js';
import {
  type Exchange,
  redirectToObject,
  type SendingServices,
  sendBytes,
  sendObject,
} from '../http/send-object.js';
import type { ApiServices } from '../services.js';
import { type FinishedImage, filesOf, openDrawing } from './draw-file.js';
import { missingResultError } from './image-state.js';

export type FileServices = SendingServices & Pick<ApiServices, 'sources'>;

/** A file of an image, as it is asked for. */
export type AskedFile = {
  readonly job: JobRecord;
  readonly image: string;
  readonly file: ResultFile;
  /** Whether to send the client to the store, where the file is there. */
  readonly redirect: boolean;
};

/**
 * Send a file of a finished image: from the store, or drawn where it is not stored.
 *
 * @throws {AppError} `not_found`; `unavailable` where too many downloads or drawings wait.
 */
export async function sendFile(
  services: FileServices,
  asked: AskedFile,
  exchange: Exchange,
): Promise<void> {
  const { job, image, file, redirect } = asked;
  const key = keys.result(exchange.tenant, job.id, image, file);
  const object = { key, mediaType: mediaTypeOf(file) };
  try {
    if (redirect && (await redirectToObject(services, object, exchange.response))) return;
    await sendObject(services, object, exchange);
  } catch (error) {
    if (!hasCode(error, 'not_found')) throw error;
    await drawFile(services, asked, exchange);
  }
}

async function drawFile(
  services: FileServices,
  asked: AskedFile,
  exchange: Exchange,
): Promise<void> {
  const { request, response, signal } = exchange;
  const { file } = asked;
  const found = await findFinished(services, asked, exchange.tenant);
  if (answerNotModified(request, response, [file, found.description.toString()])) return;
  response.type(mediaTypeOf(file));
  // Its length shows only when it is drawn, which takes more than an answer without a body is worth.
  if (request.method === 'HEAD') return void response.end();
  const make = openDrawing(services, found);
  const bytes = await services.turns.drawings.run(exchange, () => make(file, signal));
  sendBytes(bytes, exchange);
}

/** Find what a file is drawn from. @throws {AppError} `not_found`, also where the result has no such file. */
async function findFinished(
  { store }: FileServices,
  { job, image, file }: AskedFile,
  tenant: string,
): Promise<FinishedImage & { readonly description: Buffer }> {
  const key = keys.result(tenant, job.id, image, 'result.json');
  const description = await store.get(key).catch(async (error: unknown) => {
    if (!hasCode(error, 'not_found')) throw error;
    throw await missingResultError(store, { tenant, id: job.id }, image);
  });
  const result = parseJson(description.toString(), imageResult, `object '${key}'`);
  const known = filesOf(result).map((entry) => entry.file);
  if (known.includes(file)) return { tenant, job, result, description };
  throw notFound(
    `Image '${image}' of job '${job.id}' has no file '${file}', but result.json, ${known.join(', ')}`,
  );
}
