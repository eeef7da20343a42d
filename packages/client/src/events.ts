import { setTimeout as sleep } from 'node:timers/promises';
import type { UmbraClient } from './client.js';
import { UmbraError } from './problem.js';

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
};

/** An event is a few hundred bytes; a line without an end must not fill the memory. */
const maxEventLength = 1024 * 1024;
const pauseMs = 1_000;

/**
 * Events of a path of the service, across breaks of the connection, after each of which it goes on
 * with what came after the last event. Ends when the service ends the stream with 204, or the caller
 * stops reading.
 *
 * @throws {UmbraError} If the service refuses.
 */
export async function* followEvents(
  client: UmbraClient,
  path: string,
  { lastEventId = '', signal }: FollowOptions = {},
): AsyncGenerator<ServerEvent> {
  let last = lastEventId;
  for (;;) {
    const response = await client.request(path, {
      headers: { Accept: 'text/event-stream', ...(last === '' ? {} : { 'Last-Event-ID': last }) },
      ...(signal === undefined ? {} : { signal }),
    });
    if (response.status === 204 || response.body === null) return;
    try {
      for await (const event of readEvents(response.body)) {
        last = event.id;
        yield event;
      }
    } catch (error) {
      if (signal?.aborted || error instanceof UmbraError) throw error;
    }
    await sleep(pauseMs, undefined, signal && { signal });
  }
}

/**
 * The events of one stream.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  let id = '';
  let event = '';
  let data: string[] = [];
  for await (const line of readLines(body)) {
    if (line === '') {
      if (data.length > 0) yield { id, event: event || 'message', data: data.join('\n') };
      event = '';
      data = [];
      continue;
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'data') data.push(value);
    if (field === 'event') event = value;
    if (field === 'id' && !value.includes('\0')) id = value;
  }
}

async function* readLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > maxEventLength) {
      throw new UmbraError(`Expected lines of events, got ${rest.length} characters without one`, {
        code: 'internal',
      });
    }
    // A carriage return at the end may have its line feed in the next chunk.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
