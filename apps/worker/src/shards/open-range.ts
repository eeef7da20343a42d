import { inputSize, joinFloats, type ResolvedRun, resolveRun } from '@umbra/engine';
import { engineOptionsOf } from '@umbra/platform/config';
import { readItem } from '@umbra/platform/store/read-item';
import type { ShardPayload } from '@umbra/shared/contracts/shard';
import type { WorkerServices } from '../services.js';
import type { ComputeRows } from './run-rows.js';

export type RangeServices = Pick<WorkerServices, 'store' | 'sources' | 'modelCache' | 'config'>;

/** Resolve the run that a shard is part of. @throws {AppError} As `resolveRun`. */
export async function resolveShard(
  { modelCache, config }: Pick<WorkerServices, 'modelCache' | 'config'>,
  { tenant, model, item, settings }: ShardPayload,
): Promise<ResolvedRun> {
  const { bundle } = await modelCache.describe({ tenant, ...model });
  return resolveRun(settings, bundle, inputSize(bundle.input, item), engineOptionsOf(config));
}

/** A run of a shard: what ends it, and who hears of its positions, so many at a time. */
export type ShardWatch = {
  readonly signal: AbortSignal;
  readonly onPositions?: (positions: number) => void;
};

/**
 * Compute rows of a shard's image in this process: its model and image are opened once.
 *
 * @throws {AppError} `cancelled` within one batch of the signal; see `Engine` for the others.
 */
export function computeHere(
  services: RangeServices,
  shard: ShardPayload,
  watch: ShardWatch,
): ComputeRows {
  let opened: Promise<ComputeRows> | undefined;
  return async (range) => {
    opened ??= openRange(services, shard, watch);
    return (await opened)(range);
  };
}

/** Open a shard's model and image. @returns Computes some of its rows. */
async function openRange(
  services: RangeServices,
  shard: ShardPayload,
  { signal, onPositions = () => undefined }: ShardWatch,
): Promise<ComputeRows> {
  const { store, sources, modelCache } = services;
  const { tenant, dataset, item } = shard;
  const resolved = await resolveShard(services, shard);
  const model = await modelCache.open({ tenant, ...shard.model });
  const input = await modelCache.prepare(item.sha256, model, () =>
    readItem({ store, sources }, tenant, dataset, item),
  );
  return async (range) => {
    let told = 0;
    const occluded = await model.occlude(input, resolved, {
      rows: range,
      signal,
      onProgress(done) {
        onPositions(done - told);
        told = done;
      },
      label: item.label,
      box: item.box,
    });
    const { rowStart, rowEnd, predictedClasses, baseline, provenance, milliseconds } = occluded;
    const { faithfulness } = occluded;
    return {
      version: 5,
      rowStart,
      rowEnd,
      scores: joinFloats(occluded.scores),
      predictedClasses,
      baseline,
      faithfulness: faithfulness === null ? null : [...faithfulness],
      provenance,
      reused: false,
      milliseconds,
    };
  };
}
