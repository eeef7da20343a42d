import { inputSize, joinFloats, planOcclusion } from '@umbra/engine';
import { leaseMs, leaseOwner } from '@umbra/platform/redis/score-lease';
import type { ShardPayload } from '@umbra/shared/contracts/shard';
import { addressOf } from '@umbra/shared/occlusion/address';
import { checkRows, type OcclusionPlan } from '@umbra/shared/occlusion/plan';
import { chooseRows, cutRows, joinRows, missingRows } from '@umbra/shared/occlusion/rows';
import type { RowRange } from '@umbra/shared/occlusion/shards';
import type { WorkerServices } from '../services.js';
import { readImage } from './read-image.js';
import { findRows, type RunRows } from './reuse.js';
import { isSameBaseline } from './same-baseline.js';

type Pieces = readonly { readonly from: RunRows; readonly rows: RowRange }[];

/**
 * Rows of an image: taken from an earlier run as far as there is one, computed otherwise.
 *
 * @returns null while somebody else computes the same ones: ask again later.
 * @throws {AppError} `cancelled` within one batch of the signal; see `Engine` for the others.
 */
export async function scoreRows(
  services: WorkerServices,
  shard: ShardPayload,
  signal: AbortSignal,
): Promise<RunRows | null> {
  const { tenant, settings, item, reuse } = shard;
  const { bundle } = await services.modelCache.describe(shard.model);
  const plan = planOcclusion(inputSize(bundle.input, item), settings);
  const range = checkRows(plan, shard);
  if (!reuse) return computeRows(services, shard, plan, [], signal);

  const address = addressOf(shard);
  const look = async (): Promise<Pieces> => {
    const found = await findRows(services, shard, address, plan, range);
    return chooseRows(
      range,
      found.filter(({ baseline }) => isSameBaseline(baseline, found[0]?.baseline ?? baseline)),
    );
  };
  const isAll = (pieces: Pieces) =>
    missingRows(
      range,
      pieces.map(({ rows }) => rows),
    ).length === 0;
  let pieces = await look();
  if (isAll(pieces)) return takeRows(services, shard, plan, pieces);
  const owner = leaseOwner(shard);
  const claim = await services.scoreLease.claim(tenant, address, owner);
  if (claim === 'taken') return null;
  if (claim === 'new') {
    // Whoever had the claim before may have finished since we looked.
    pieces = await look();
    if (isAll(pieces)) return takeRows(services, shard, plan, pieces);
  }
  const renew = () => services.scoreLease.claim(tenant, address, owner).catch(() => undefined);
  const renewing = setInterval(renew, leaseMs / 4);
  try {
    return await computeRows(services, shard, plan, pieces, signal);
  } finally {
    clearInterval(renewing);
  }
}

/** All of a shard's rows, of earlier runs alone. */
function takeRows(
  services: WorkerServices,
  shard: ShardPayload,
  plan: OcclusionPlan,
  pieces: Pieces,
): RunRows {
  const taken = assemble(shard, plan, pieces, []);
  services.metrics.countReused(shard.model.name, taken.predictedClasses.length);
  return taken;
}

/** Run what no piece has. */
async function computeRows(
  services: WorkerServices,
  shard: ShardPayload,
  plan: OcclusionPlan,
  pieces: Pieces,
  signal: AbortSignal,
): Promise<RunRows> {
  const { tenant, jobId, dataset, item, settings } = shard;
  const model = await services.modelCache.open(shard.model);
  const input = await services.modelCache.prepare(item.sha256, model, () =>
    readImage(services, tenant, dataset, item),
  );
  const compute = async (rows: RowRange): Promise<RunRows> => {
    const run = await model.occlude(input, settings, {
      ...{ rows, signal, label: item.label, box: item.box },
    });
    const { rowStart, rowEnd, predictedClasses, baseline, faithfulness, provenance, milliseconds } =
      run;
    return {
      ...{
        version: 4,
        rowStart,
        rowEnd,
        scores: joinFloats(run.scores),
        predictedClasses,
        baseline,
      },
      faithfulness: faithfulness === null ? null : [...faithfulness],
      ...{ provenance, reused: false, milliseconds },
    };
  };
  const computed: RunRows[] = [];
  for (const gap of missingRows(
    shard,
    pieces.map(({ rows }) => rows),
  )) {
    computed.push(await compute(gap));
  }
  const [kept, fresh] = [pieces[0]?.from, computed[0]];
  if (kept !== undefined && fresh !== undefined && !isSameBaseline(kept.baseline, fresh.baseline)) {
    // Never mixed: rows of a run that says otherwise of the clean image are left alone.
    services.logger.warn({ jobId, imageId: item.id }, 'kept rows do not fit; computing all');
    return compute({ rowStart: shard.rowStart, rowEnd: shard.rowEnd });
  }
  const reused = pieces.reduce((sum, { rows }) => sum + countPositions(plan, rows), 0);
  if (reused > 0) services.metrics.countReused(shard.model.name, reused);
  return assemble(shard, plan, pieces, computed);
}

const countPositions = ({ rowStarts }: OcclusionPlan, { rowStart, rowEnd }: RowRange): number =>
  (rowStarts[rowEnd] ?? 0) - (rowStarts[rowStart] ?? 0);

function assemble(
  { rowStart, rowEnd }: RowRange,
  plan: OcclusionPlan,
  pieces: Pieces,
  computed: readonly RunRows[],
): RunRows {
  const of = computed[0] ?? pieces[0]?.from;
  if (of === undefined) throw new RangeError('Expected rows to assemble');
  const bands = [
    ...pieces.map(({ from, rows }) => cutRows(from, plan.rowStarts, rows)),
    ...computed,
  ];
  return {
    ...of,
    ...joinRows(bands, plan.rowStarts, of.baseline.targets.length, { rowStart, rowEnd }),
    reused: pieces.length > 0,
    milliseconds: computed.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
  };
}
