import type { JobEventData, JobEventName } from '@umbra/shared/contracts/event';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { ask, ServiceError } from './http.js';

/** What a job tells while it runs. */
export type ToldEvent = {
  readonly [N in JobEventName]: { readonly name: N; readonly data: JobEventData<N> };
}[JobEventName];

const pauseMs = 1_000;
/** Codes of refusals that pass. */
const passing = ['offline', 'unavailable', 'rate_limited'];

/**
 * Follow a job until it has ended or `signal` is aborted; goes on after the last event when the connection
 * breaks, the stream's life is over or the service has no place for a moment.
 *
 * @throws {ServiceError} If the service refuses.
 */
export async function followJob(
  job: string,
  tell: (event: ToldEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  let last = '';
  while (!signal.aborted) {
    let waitMs = pauseMs;
    const onRetry = (ms: number) => {
      waitMs = ms;
    };
    try {
      const headers = { Accept: 'text/event-stream', ...(last && { 'Last-Event-ID': last }) };
      const response = await ask(`/v1/jobs/${job}/events`, { headers, signal });
      if (response.status === 204 || response.body === null) return;
      const events = response.body
        .pipeThrough(
          new TextDecoderStream() as ReadableWritablePair<string, Uint8Array<ArrayBuffer>>,
        )
        .pipeThrough(new EventSourceParserStream({ onRetry }));
      const reader = events.getReader();
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        const { id, event, data } = next.value;
        last = id ?? last;
        if (event === 'state' || event === 'progress' || event === 'image') {
          tell({ name: event, data: JSON.parse(data) } as ToldEvent);
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ServiceError && !passing.includes(error.code)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}
