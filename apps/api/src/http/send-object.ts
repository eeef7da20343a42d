import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { notFound } from '@umbra/shared/errors';
import type { Request, Response } from 'express';
import type { Context } from '../services.js';
import { rangeOf } from './ranges.js';

/** Long enough to begin a download; one that broke off asks again. */
const redirectSeconds = 300;

export type SentObject = {
  readonly key: string;
  readonly mediaType: string;
  /** What browsers save it as; shown in place when left out. */
  readonly fileName?: string;
  /** Of this content and no other, in quotes: a part of it may be asked for. */
  readonly etag?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Exchange = { readonly request: Request; readonly response: Response };

/** Send an object, or the part of it that is asked for: a download that broke off goes on. */
export async function sendObject(
  { store }: Context,
  { key, mediaType, fileName, etag, headers = {} }: SentObject,
  { request, response }: Exchange,
): Promise<void> {
  if (etag === undefined) {
    const { body, bytes } = await store.stream(key);
    response.type(mediaType).set({ ...headers, 'Content-Length': String(bytes) });
    return sendBody(body, response);
  }
  const bytes = (await store.head(key))?.bytes;
  if (bytes === undefined) throw notFound('It is gone');
  const range = rangeOf(request, bytes, etag);
  const { start, end } = range ?? { start: 0, end: bytes };
  const { body } = await store.stream(key, { start, end });
  response.type(mediaType).set(headers);
  if (fileName !== undefined) response.attachment(fileName).type(mediaType);
  response.set({ 'Accept-Ranges': 'bytes', ETag: etag, 'Content-Length': String(end - start) });
  if (range !== null) {
    response.status(206).set('Content-Range', `bytes ${start}-${end - 1}/${bytes}`);
  }
  await sendBody(body, response);
}

/**
 * Send the client to the object store, where clients can reach that: its bytes then spare the API.
 *
 * @returns Whether it was sent there.
 * @throws {AppError} `not_found`
 */
export async function redirectToObject(
  { store }: Context,
  { key, mediaType, fileName }: SentObject,
  response: Response,
): Promise<boolean> {
  if (store.presignGet === undefined) return false;
  // The store answers for what is not there in words of its own.
  if ((await store.head(key)) === null) throw notFound('It is gone');
  const location = await store.presignGet(key, {
    expiresSeconds: redirectSeconds,
    mediaType,
    ...(fileName === undefined ? {} : { fileName }),
  });
  // It lets anybody read for a while: no cache may keep it.
  response.status(302).set({ Location: location, 'Cache-Control': 'no-store' }).end();
  return true;
}

async function sendBody(body: Readable, response: Response): Promise<void> {
  // A client that goes away ends the pipeline early; nobody is left to be told.
  await pipeline(body, response).catch((error: unknown) => {
    if (!response.destroyed) throw error;
  });
}
