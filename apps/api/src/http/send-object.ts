import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ByteRange } from '@umbra/platform/store/arguments';
import type { ObjectStore } from '@umbra/platform/store/store';
import { notFound } from '@umbra/shared/errors';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { ApiServices } from '../services.js';
import type { Caller } from './operation.js';
import { parseRange } from './ranges.js';

/** Query of an operation that sends an object: `redirect` asks for a URL of the store instead. */
export const redirectQuery = z.strictObject({
  redirect: z
    .enum(['true', 'false'])
    .default('false')
    .transform((word) => word === 'true'),
});

/** Headers of an operation that serves ranges. */
export const rangeHeaders = {
  Range: z.string().optional(),
  'If-Range': z.string().optional(),
} as const;

/** Long enough to begin a download; a client whose download broke off asks again. */
const redirectSeconds = 300;

export type SentObject = {
  readonly key: string;
  readonly mediaType: string;
  /** Name that browsers save the object under; they show it in place where undefined. */
  readonly fileName?: string;
  /** Strong entity tag of the content, in quotes; ranges are served only where there is one. */
  readonly etag?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Exchange = Caller & { readonly request: Request; readonly response: Response };

/** Services that send objects. */
export type SendingServices = Pick<ApiServices, 'store' | 'turns' | 'config'>;

/**
 * Send an object of the store, or the range of it that the request asks for.
 *
 * @throws {AppError} `not_found`; `range_not_satisfiable`; `unavailable` where too many downloads wait.
 */
export async function sendObject(
  { store, turns, config }: SendingServices,
  object: SentObject,
  exchange: Exchange,
): Promise<void> {
  const send = async (body: Readable) =>
    sendBody(config, body.on('data', turns.downloads.moved), exchange);
  await turns.downloads.run(exchange, () => sendNow(store, object, exchange, send));
}

async function sendNow(
  store: ObjectStore,
  { key, mediaType, fileName, etag, headers = {} }: SentObject,
  exchange: Exchange,
  send: (body: Readable) => Promise<void>,
): Promise<void> {
  const { request, response, signal } = exchange;
  if (etag === undefined) {
    const { body, bytes } = await store.stream(key, undefined, signal);
    response.type(mediaType).set({ ...headers, 'Content-Length': String(bytes) });
    return send(body);
  }
  const bytes = (await store.head(key, signal))?.bytes;
  if (bytes === undefined) throw notFound('It is gone');
  const range = parseRange(request, bytes, etag);
  const { start, end } = range ?? { start: 0, end: bytes };
  const { body } = await store.stream(key, { start, end }, signal);
  response.type(mediaType).set(headers);
  if (fileName !== undefined) response.attachment(fileName).type(mediaType);
  response.set('ETag', etag);
  describeRange(response, range, bytes);
  await send(body);
}

/** Set the headers of a whole resource, or of a range of it. */
function describeRange(response: Response, range: ByteRange | null, bytes: number): void {
  const { start, end } = range ?? { start: 0, end: bytes };
  response.set({ 'Accept-Ranges': 'bytes', 'Content-Length': String(end - start) });
  if (range !== null) {
    response.status(206).set('Content-Range', `bytes ${start}-${end - 1}/${bytes}`);
  }
}

/** Send bytes that were made for this answer, or the range of them that the request asks for; its `ETag` is set. */
export function sendBytes(
  content: Buffer,
  { request, response }: Pick<Exchange, 'request' | 'response'>,
): void {
  const range = parseRange(request, content.length, response.get('ETag') ?? '');
  describeRange(response, range, content.length);
  response.end(range === null ? content : content.subarray(range.start, range.end));
}

/**
 * Redirect the client to a presigned URL, where clients reach the store: its bytes bypass the API.
 *
 * @returns Whether the request is answered.
 * @throws {AppError} `not_found`
 */
export async function redirectToObject(
  { store }: Pick<ApiServices, 'store'>,
  { key, mediaType, fileName }: SentObject,
  response: Response,
): Promise<boolean> {
  if (store.presignGet === undefined) return false;
  // A missing object is answered here, with problem details, and not by the store.
  if ((await store.head(key)) === null) throw notFound('It is gone');
  const location = await store.presignGet(key, {
    expiresSeconds: redirectSeconds,
    mediaType,
    ...(fileName === undefined ? {} : { fileName }),
  });
  response.status(302).location(location).end();
  return true;
}

/**
 * Send a stream, until its client leaves or takes nothing of it for some time.
 *
 * @param pausing Whether the stream itself may pause, as while something is drawn: a client that has taken all
 *   there is then waits for it.
 */
export async function sendBody(
  { UMBRA_BODY_IDLE_MS: idleMs }: ApiServices['config'],
  body: Readable,
  { response, signal }: Pick<Exchange, 'response' | 'signal'>,
  pausing = false,
): Promise<void> {
  response.setTimeout(idleMs, () => {
    if (pausing && response.writableLength === 0) response.setTimeout(idleMs);
    else response.destroy();
  });
  await pipeline(body, response, { signal });
}
