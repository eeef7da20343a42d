import type {
  EventBook,
  FleetBook,
  JobRecord,
  Logger,
  ObjectStore,
  ProgressBook,
  ShortMemory,
  SourceStores,
  TenantReader,
  UsageBook,
} from '@umbra/shared';
import type { PaceBook } from '@umbra/shared/metrics';
import type { TraceBook, Tracing } from '@umbra/shared/tracing';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Registry } from 'prom-client';
import type { Board } from './bull-board.js';
import type { ApiConfig } from './config.js';
import type { EventHub } from './events/hub.js';
import type { FormatReader } from './model-formats.js';
import type { Turns } from './turns.js';

/** What the routes are given. */
export type Context = {
  readonly config: Readonly<ApiConfig>;
  readonly store: ObjectStore;
  /** Buckets that datasets may be made of. */
  readonly sources: SourceStores;
  readonly redis: Redis;
  readonly progress: ProgressBook;
  readonly events: EventBook;
  readonly hub: EventHub;
  readonly fleet: FleetBook;
  readonly pace: PaceBook;
  readonly readTenant: TenantReader;
  readonly usage: UsageBook;
  readonly formatOf: FormatReader;
  readonly dispatchQueue: Queue;
  readonly mergeQueue: Queue;
  readonly ingestQueue: Queue;
  readonly webhookQueue: Queue;
  readonly registry: Registry;
  /** The page of the queues, where it is asked for. */
  readonly board: Board | null;
  readonly tracing: Tracing;
  readonly traces: TraceBook;
  /** Records of jobs that are polled, by tenant and id. */
  readonly polledJobs: ShortMemory<JobRecord>;
  /** Uploads are taken in a few at once: each needs memory and disk. */
  readonly uploadTurns: Turns;
  readonly logger: Logger;
};
