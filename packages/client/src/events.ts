import { createParser } from 'eventsource-parser';
import type { UmbraClient } from './client.js';
import { pause } from './pause.js';
import { isPassing, UmbraError } from './problem.js';

/** One server-sent event. */
export type ServerEvent = {
  readonly id: string;
  /** `message` where it has no name. */
  readonly event: string;
  readonly data: string;
};

export type FollowOptions = {
  /** Go on after this event. */
  readonly lastEventId?: string;
  readonly signal?: AbortSignal;
  /** Called whenever the service has answered with a stream, before its events. */
  readonly onOpen?: () => void;
};

/** An event is a few hundred bytes; one without an end must not fill the memory. */
const maxEventLength = 1024 * 1024;
/** Pause before it connects again, where the service has not said how long. */
const pauseMs = 1_000;
/** Refusals in a row, or tries without an answer, that are waited out once it was let in. */
const patience = 10;

/**
 * Events of a path of the service, across breaks of the connection and ends of a stream's life, after each of which
 * it goes on with what came after the last event. Ends when the service ends the stream with 204, or the caller
 * stops reading.
 *
 * @throws {UmbraError} If the service refuses; where it does not answer one that it let in before, or has no place for
 *   it, ten times in a row.
 */
export async function* followEvents(
  client: UmbraClient,
  path: string,
  { lastEventId = '', signal, onOpen }: FollowOptions = {},
): AsyncGenerator<ServerEvent> {
  let last = lastEventId;
  let refusals: number | undefined;
  for (;;) {
    let waitMs = pauseMs;
    let response: Response;
    try {
      response = await client.request(path, {
        headers: { Accept: 'text/event-stream', ...(last === '' ? {} : { 'Last-Event-ID': last }) },
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (refusals === undefined || refusals >= patience || !isAway(error)) throw error;
      refusals += 1;
      await pause(Math.max(waitMs, (error.retryAfterSeconds ?? 0) * 1_000), signal);
      continue;
    }
    refusals = 0;
    if (response.status === 204 || response.body === null) return;
    onOpen?.();
    try {
      for await (const event of readEvents(response.body, (ms) => (waitMs = ms))) {
        // A stream may begin with events that have no place of their own: the place before holds.
        if (event.id !== '') last = event.id;
        yield event;
      }
    } catch (error) {
      if (signal?.aborted || error instanceof UmbraError) throw error;
    }
    await pause(waitMs, signal);
  }
}

/** Whether a service that was there may be there again: it restarts, or what stands before it says so. */
const isAway = (error: unknown): error is UmbraError =>
  isPassing(error) || (error instanceof UmbraError && [null, 502, 504].includes(error.status));

/**
 * The events of one stream.
 *
 * @param onRetry Told how long to wait before the next connection, ms.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  onRetry: (ms: number) => void = () => undefined,
): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  const arrived: ServerEvent[] = [];
  let id = '';
  let isTooLong = false;
  const parser = createParser({
    maxBufferSize: maxEventLength,
    onRetry,
    onEvent({ event = 'message', data, ...rest }) {
      // An event without an id has that of the one before.
      id = rest.id ?? id;
      arrived.push({ id, event, data });
    },
    onError({ type }) {
      if (type === 'max-buffer-size-exceeded') isTooLong = true;
    },
  });
  for await (const chunk of chunksOf(body)) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* arrived.splice(0);
    if (isTooLong) {
      throw new UmbraError(`Expected events of at most ${maxEventLength} characters, got more`, {
        code: 'internal',
      });
    }
  }
}

/** A stream's chunks; not every browser iterates over a stream itself. Cancels it when the caller stops reading. */
async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
