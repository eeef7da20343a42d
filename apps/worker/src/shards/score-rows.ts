import { nameRun } from '@umbra/platform/redis/lease';
import { at } from '@umbra/shared/assert';
import type { ShardPayload } from '@umbra/shared/contracts/shard';
import { type AddressedWork, addressOf } from '@umbra/shared/occlusion/address';
import { checkRows, type OcclusionPlan } from '@umbra/shared/occlusion/plan';
import { chooseRows, cutRows, joinRows, missingRows } from '@umbra/shared/occlusion/rows';
import type { RowRange } from '@umbra/shared/occlusion/shards';
import type { WorkerServices } from '../services.js';
import { resolveShard } from './open-range.js';
import { findRows } from './reuse.js';
import type { ComputeRows, RunRows } from './run-rows.js';
import { isSameBaseline } from './same-baseline.js';

export type ScoreServices = Pick<
  WorkerServices,
  'store' | 'modelCache' | 'rowsLease' | 'logger' | 'config'
>;

/** A shard's rows, and how many of its positions were taken from an earlier run. */
export type ScoredShard = { readonly rows: RunRows; readonly reusedPositions: number };

/** Kept rows of a run, and the range of them that the shard takes. */
type ReusedRows = { readonly from: RunRows; readonly rows: RowRange };

/** A shard that is being scored. */
type ShardRun = {
  readonly shard: ShardPayload;
  readonly plan: OcclusionPlan;
  /** Computes rows that are not reused. */
  readonly compute: ComputeRows;
};

/**
 * Score rows of an image: taken from an earlier run as far as there is one, computed otherwise.
 *
 * @returns null while another worker computes the same ones: ask again later.
 * @throws {AppError} What `compute` throws.
 */
export async function scoreRows(
  services: ScoreServices,
  shard: ShardPayload,
  compute: ComputeRows,
): Promise<ScoredShard | null> {
  const { rowsLease } = services;
  const { plan } = await resolveShard(services, shard);
  checkRows(plan, shard);
  const run: ShardRun = { shard, plan, compute };
  if (!shard.reuse) return computeRows(services, run, []);

  let reused = await findReused(services, run);
  if (isComplete(shard, reused)) return takeRows(run, reused);
  const lease = [rowsLeaseKey(shard), nameRun(shard)] as const;
  const claim = await rowsLease.claim(...lease);
  if (claim === 'taken') return null;
  if (claim === 'new') {
    // The owner before may have finished since the first look.
    reused = await findReused(services, run);
    if (isComplete(shard, reused)) return takeRows(run, reused);
  }
  const stopRenewing = rowsLease.renew(...lease);
  try {
    return await computeRows(services, run, reused);
  } finally {
    stopRenewing();
  }
}

/** What is claimed while an image's rows are computed, whatever shard or job they are of. */
export const rowsLeaseKey = (work: AddressedWork & { readonly tenant: string }): string =>
  `${work.tenant}:${addressOf(work)}`;

/** Find kept rows of the shard that come from one run. */
async function findReused(
  services: ScoreServices,
  { shard, plan }: ShardRun,
): Promise<readonly ReusedRows[]> {
  const range = rangeOf(shard);
  const found = await findRows(services, shard, plan, range);
  const [first] = found;
  if (first === undefined) return [];
  const alike = found.filter(({ baseline }) => isSameBaseline(baseline, first.baseline));
  return chooseRows(range, alike);
}

const rangeOf = ({ rowStart, rowEnd }: RowRange): RowRange => ({ rowStart, rowEnd });

const gapsOf = (range: RowRange, reused: readonly ReusedRows[]): readonly RowRange[] =>
  missingRows(
    rangeOf(range),
    reused.map(({ rows }) => rows),
  );

const isComplete = (range: RowRange, reused: readonly ReusedRows[]): boolean =>
  gapsOf(range, reused).length === 0;

/** Take all of a shard's rows from earlier runs. */
function takeRows(run: ShardRun, reused: readonly ReusedRows[]): ScoredShard {
  const rows = assemble(run, reused, []);
  return { rows, reusedPositions: rows.predictedClasses.length };
}

/** Compute the rows that are not reused. */
async function computeRows(
  services: ScoreServices,
  run: ShardRun,
  reused: readonly ReusedRows[],
): Promise<ScoredShard> {
  const { shard, plan, compute } = run;
  const computed: RunRows[] = [];
  for (const gap of gapsOf(shard, reused)) computed.push(await compute(gap));
  const [kept, fresh] = [reused[0]?.from, computed[0]];
  if (kept !== undefined && fresh !== undefined && !isSameBaseline(kept.baseline, fresh.baseline)) {
    // Never mixed: rows of a run with another baseline are not used.
    const { jobId, item } = shard;
    services.logger.warn({ jobId, imageId: item.id }, 'kept rows with another baseline ignored');
    return { rows: await compute(rangeOf(shard)), reusedPositions: 0 };
  }
  const reusedPositions = reused.reduce((sum, { rows }) => sum + countPositions(plan, rows), 0);
  return { rows: assemble(run, reused, computed), reusedPositions };
}

const countPositions = ({ rowStarts }: OcclusionPlan, { rowStart, rowEnd }: RowRange): number =>
  at(rowStarts, rowEnd) - at(rowStarts, rowStart);

function assemble(
  { shard, plan }: ShardRun,
  reused: readonly ReusedRows[],
  computed: readonly RunRows[],
): RunRows {
  const source = computed[0] ?? reused[0]?.from;
  if (source === undefined) throw new RangeError('Expected rows to assemble, got none');
  const bands = [
    ...reused.map(({ from, rows }) => cutRows(from, plan.rowStarts, rows)),
    ...computed,
  ];
  return {
    ...source,
    ...joinRows(bands, plan.rowStarts, source.baseline.targets.length, rangeOf(shard)),
    reused: reused.length > 0,
    milliseconds: computed.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
  };
}
