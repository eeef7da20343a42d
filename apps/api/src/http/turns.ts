import { createTurns, type Turns } from '@umbra/shared/turns';
import { Gauge, type Registry } from 'prom-client';
import type { ApiConfig } from '../config.js';

/** What requests share, a tenant's at most all but one place. */
export type ApiTurns = {
  /** Bodies that are received: each needs memory and disk. */
  readonly uploads: Turns;
  /** Models that are uploaded and checked: each has its files on disk, and a process that runs it. */
  readonly models: Turns;
  /** Pictures that are drawn: each may take more than a hundred megabytes. */
  readonly drawings: Turns;
  /** Bytes of images to explain that are not stored yet. */
  readonly images: Turns;
  /** Objects that are sent: each holds one of the store's connections. */
  readonly downloads: Turns;
  /** Clients that follow jobs. */
  readonly streams: Turns;
  /** Questions about rows of jobs, and lists under a filter. */
  readonly queries: Turns;
  /** Indexes of rows that are made: each reads a whole job's rows. */
  readonly fills: Turns;
  /** Tables of rows that are written and sent. */
  readonly exports: Turns;
};

const mebibyte = 1024 * 1024;
/** One a tenant, so that one with large jobs does not keep another one waiting. */
const maxFills = 2;
/** One a tenant, as above. */
const maxModels = 2;

/** Create what requests share, and measure it. */
export function createApiTurns(config: Readonly<ApiConfig>, registry: Registry): ApiTurns {
  const waits = {
    maxWaiting: config.UMBRA_MAX_WAITING,
    maxWaitMs: config.UMBRA_MAX_WAIT_MS,
    now: () => performance.now(),
  };
  const open = (name: string, capacity: number) => createTurns({ ...waits, name, capacity });
  const imageBytes = config.UMBRA_EXPLAIN_MB * mebibyte;
  const turns = {
    uploads: open('uploads', config.UMBRA_MAX_CONCURRENT_UPLOADS),
    models: open('models', maxModels),
    drawings: open('drawings', config.UMBRA_MAX_CONCURRENT_DRAWINGS),
    downloads: open('downloads', config.UMBRA_MAX_CONCURRENT_DOWNLOADS),
    queries: open('queries', config.UMBRA_MAX_CONCURRENT_QUERIES),
    fills: open('fills', maxFills),
    exports: open('exports', config.UMBRA_MAX_CONCURRENT_EXPORTS),
    images: createTurns({
      ...waits,
      name: 'images',
      capacity: imageBytes,
      maxByOne: Math.ceil((3 * imageBytes) / 4),
    }),
    // A stream lasts as long as its job: who finds no place is told at once.
    streams: createTurns({
      ...waits,
      name: 'streams',
      capacity: config.UMBRA_MAX_STREAMS,
      maxWaiting: 0,
    }),
  };
  measureTurns(Object.values(turns), registry);
  return turns;
}

function measureTurns(all: readonly Turns[], registry: Registry): void {
  new Gauge({
    name: 'umbra_turns_stalled_seconds',
    help: 'Time for which requests find no place while none comes free and no holder moves',
    labelNames: ['thing'],
    registers: [registry],
    collect() {
      for (const turns of all) this.set({ thing: turns.name }, turns.stalledMs() / 1000);
    },
  });
  new Gauge({
    name: 'umbra_turns',
    help: 'Turns of what requests share: held (places, or bytes of images) and waiting (requests)',
    labelNames: ['thing', 'state'],
    registers: [registry],
    collect() {
      for (const turns of all) {
        this.set({ thing: turns.name, state: 'held' }, turns.held());
        this.set({ thing: turns.name, state: 'waiting' }, turns.waiting());
      }
    },
  });
}
