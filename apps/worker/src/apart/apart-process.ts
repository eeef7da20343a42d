/**
 * Entry of a process that computes rows of suspect images and merges them, one request at a time: what kills it
 * costs one image.
 *
 * Its arguments are the id of the process that waits for it, which ends it in any case, and the file that it makes
 * where that one ends first.
 */
import { type Engine, endWithParent, isolateDecoding, openEngine } from '@umbra/engine';
import { engineOptionsOf, modelsDiskOf } from '@umbra/platform/config';
import { isOutage } from '@umbra/platform/faults';
import { refuseNewStore } from '@umbra/platform/store/await-store';
import { createModelDisk } from '@umbra/platform/store/model-disk';
import { openStore } from '@umbra/platform/store/open-store';
import { createSourceStores } from '@umbra/platform/store/source-stores';
import { reportError, unavailable } from '@umbra/shared/errors';
import type { WorkerConfig } from '../config.js';
import { writeResults } from '../merge/write-results.js';
import { createModelCache } from '../runtime/model-cache.js';
import { computeHere, type RangeServices } from '../shards/open-range.js';
import type { LostRows, RunRows } from '../shards/run-rows.js';
import { type ApartReply, type ApartRequest, aliveEveryMs } from './messages.js';

/** It is killed instead. */
const never = new AbortController().signal;
const reply = (message: ApartReply) => process.send?.(message);
let services: (RangeServices & { readonly engine: Engine }) | undefined;

const [, , parent, mark] = process.argv;
endWithParent(Number(parent), mark);
// Signals may go to every process of a group; this one ends when its parent says so, or is gone.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
process.on('message', (request: ApartRequest) => {
  if (request.kind === 'start') {
    services = open(request.config);
    reply({ kind: 'ready' });
    return;
  }
  if (request.kind === 'end') {
    void end();
    return;
  }
  const timer = setInterval(() => reply({ kind: 'alive' }), aliveEveryMs);
  void answer(request)
    .then(reply)
    .finally(() => clearInterval(timer));
});

/** The services of a worker that computing takes, with as little memory as they work with. */
function open(config: Readonly<WorkerConfig>) {
  const store = openStore(config, { permitNew: refuseNewStore });
  const options = engineOptionsOf(config);
  const engine = openEngine({
    ...options,
    inferenceThreads: 1,
    // What one inference thread of the worker has.
    batchBytes: Math.ceil(options.batchBytes / config.UMBRA_INFERENCE_THREADS),
    deadline: {
      minMs: config.UMBRA_BATCH_DEADLINE_S * 1000,
      onLate: ({ seconds }) => reply({ kind: 'late', seconds }),
    },
  });
  isolateDecoding({ processes: 1 });
  return {
    engine,
    store,
    sources: createSourceStores(config),
    config,
    modelCache: createModelCache({
      store,
      engine,
      disk: createModelDisk(store, modelsDiskOf(config)),
      metrics: { recordLookup: () => undefined },
      limits: {
        maxPixels: config.UMBRA_MAX_IMAGE_PIXELS,
        maxInputPixels: config.UMBRA_MAX_INPUT_PIXELS,
      },
    }),
  };
}

/** Converted models lie in temporary folders until their engine is closed. */
async function end(): Promise<never> {
  await services?.engine.close().catch(() => undefined);
  process.exit();
}

/** Never rejects. */
async function answer(
  request: Extract<ApartRequest, { kind: 'compute' | 'merge' }>,
): Promise<ApartReply> {
  try {
    if (services === undefined) throw unavailable('Expected to be started before it computes');
    return { kind: 'rows', rows: await run(services, request) };
  } catch (error) {
    return { kind: 'failed', error: reportError(error), isOutage: isOutage(error) };
  }
}

const run = (
  opened: RangeServices,
  request: Extract<ApartRequest, { kind: 'compute' | 'merge' }>,
): Promise<RunRows | LostRows> =>
  request.kind === 'merge'
    ? writeResults(opened, request.image, request.returned)
    : computeHere(opened, request.shard, { signal: never })(request.range);
