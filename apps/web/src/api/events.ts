import type { BandEvent, JobEventData } from '@umbra/shared/contracts/event';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { ask, queryOf, ServiceError } from './http.js';
import { isEnded } from './jobs.js';

export type { BandEvent };

/** Hears what a job tells while it runs. */
export type JobListener = {
  /** Called at the beginning of each connection: no band after it is missed, and partial results have those before. */
  begun(): void;
  /** Whether an image's bands are of interest: those of others are not even read. */
  wants(image: string): boolean;
  band(band: BandEvent): void;
  /** Called when an image is finished or has failed. */
  imageEnded(image: string): void;
};

const pauseMs = 1_000;
/** Codes of refusals that pass. */
const passing = ['offline', 'unavailable', 'rate_limited'];

/**
 * Follow a job, with the bands of scores of one image or of all, until it has ended or `signal` is aborted; begins
 * anew where the connection breaks, its life is over or the service has no place for a moment.
 *
 * @throws {ServiceError} If the service refuses.
 */
export async function followJob(
  { job, image }: { readonly job: string; readonly image?: string },
  listener: JobListener,
  signal: AbortSignal,
): Promise<void> {
  const path = `/v1/jobs/${job}/events${queryOf({ bands: 'true', image })}`;
  const headers = { Accept: 'text/event-stream' };
  while (!signal.aborted) {
    let waitMs = pauseMs;
    const onRetry = (ms: number) => {
      waitMs = ms;
    };
    try {
      const response = await ask(path, { headers, signal });
      if (response.body === null) return;
      if (await hearAll(response.body, listener, onRetry)) return;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ServiceError && !passing.includes(error.code)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

/** @returns Whether the job has ended. */
async function hearAll(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  listener: JobListener,
  onRetry: (ms: number) => void,
): Promise<boolean> {
  const events = body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array<ArrayBuffer>>)
    .pipeThrough(new EventSourceParserStream({ onRetry }));
  let hasBegun = false;
  const reader = events.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const { event, data } = next.value;
    if (event === 'state') {
      if (isEnded(JSON.parse(data) as JobEventData<'state'>)) return true;
      // The first one says how things stand, and bands follow it.
      if (!hasBegun) listener.begun();
      hasBegun = true;
    }
    if (event === 'image') listener.imageEnded((JSON.parse(data) as JobEventData<'image'>).id);
    if (event === 'band' && isWanted(data, listener)) listener.band(JSON.parse(data) as BandEvent);
  }
  return false;
}

/** By the beginning of its text: of thousands of images, few are in sight. */
function isWanted(data: string, { wants }: JobListener): boolean {
  const image = /^\{"image":"([^"]+)"/.exec(data)?.[1];
  return image === undefined || wants(image);
}
