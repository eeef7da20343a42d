import type { IncomingHttpHeaders } from 'node:http';
import type { Telemetry } from 'bullmq';

/** Ids and counts; never what a user sent. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export type RequestSpan = {
  /** Run what belongs to the request. */
  run<T>(work: () => T): T;
  end(name: string, attributes: SpanAttributes, failed: boolean): void;
};

/** Traces of this process. Without a collector every function does nothing. */
export type Tracing = {
  /** Telemetry of BullMQ's queues, producers and workers; undefined while traces are off. */
  readonly telemetry: Telemetry | undefined;
  /** Begin a request's span, as part of its caller's trace where its headers name one. */
  startRequest(method: string, headers: IncomingHttpHeaders): RequestSpan;
  /** The span that is being run, as BullMQ carries it; undefined where none is, or it is not kept. */
  carrier(): string | undefined;
  /** Make a span of a moment as part of a carried trace. @returns The span, to be carried on. */
  mark(carrier: string, name: string, attributes: SpanAttributes): string;
  /** Run work as part of a carried trace, with no span of its own. */
  within<T>(carrier: string | undefined, work: () => T): T;
  /** Add to the span that is being run. */
  describe(attributes: SpanAttributes): void;
  /** Send what is left. */
  close(): Promise<void>;
};

export const noTracing: Tracing = {
  telemetry: undefined,
  startRequest: () => ({ run: (work) => work(), end: () => undefined }),
  carrier: () => undefined,
  mark: (carrier) => carrier,
  within: (_carrier, work) => work(),
  describe: () => undefined,
  close: async () => undefined,
};

/** Option `telemetry` of BullMQ, which must be left out while traces are off. */
export const telemetryOf = ({ telemetry }: Tracing): { telemetry?: Telemetry } =>
  telemetry === undefined ? {} : { telemetry };
