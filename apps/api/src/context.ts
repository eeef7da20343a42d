import type { FleetBook, Logger, ObjectStore, ProgressBook } from '@umbra/shared';
import type { PaceBook } from '@umbra/shared/metrics';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Registry } from 'prom-client';
import type { ApiConfig } from './config.js';
import type { FormatReader } from './model-formats.js';

/** What the routes are given. */
export type Context = {
  readonly config: Readonly<ApiConfig>;
  readonly store: ObjectStore;
  readonly redis: Redis;
  readonly progress: ProgressBook;
  readonly fleet: FleetBook;
  readonly pace: PaceBook;
  readonly formatOf: FormatReader;
  readonly dispatchQueue: Queue;
  readonly mergeQueue: Queue;
  readonly registry: Registry;
  readonly logger: Logger;
};
