import { inputSize, resolveRun } from '@umbra/engine';
import { engineOptionsOf } from '@umbra/platform/config';
import { imageFlow } from '@umbra/platform/queues/enqueue';
import { shardQueueFor } from '@umbra/platform/queues/names';
import type { DatasetItem } from '@umbra/shared/contracts/dataset';
import type { JobRecord } from '@umbra/shared/contracts/job';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { needsWholeImage } from '@umbra/shared/contracts/settings';
import type { MergePayload } from '@umbra/shared/contracts/shard';
import { reportError } from '@umbra/shared/errors';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import { planShards } from '@umbra/shared/occlusion/shards';
import type { FlowJob } from 'bullmq';
import { type ImageServices, recordFailure } from '../jobs/finish-image.js';
import type { WorkerServices } from '../services.js';
import { chooseRowsPerShard } from '../shards/rows-per-shard.js';
import type { JobCapacity } from './estimate-cost.js';

/** Flows in one MULTI: Redis serves no other client meanwhile. */
const flowsAtOnce = 50;

export type LaunchServices = ImageServices & Pick<WorkerServices, 'flows' | 'traces' | 'config'>;

/** Images of a job that are queued together. */
export type Launch = JobCapacity & {
  readonly tenant: string;
  readonly job: JobRecord;
  readonly bundle: ModelBundle;
  readonly items: readonly DatasetItem[];
  /** Images of the job that are not yet started. */
  readonly imagesLeft: number;
};

/** Queue a flow for each image. An image that cannot be planned fails here, alone. */
export async function launchImages(
  services: LaunchServices,
  launches: readonly Launch[],
): Promise<void> {
  const flows: FlowJob[] = [];
  for (const launch of launches) {
    for (const item of launch.items) {
      const flow = await planFlow(services, launch, item);
      if (flow !== null) flows.push(flow);
    }
  }
  for (let start = 0; start < flows.length; start += flowsAtOnce) {
    await services.flows.addBulk(flows.slice(start, start + flowsAtOnce));
  }
}

async function planFlow(
  services: LaunchServices,
  launch: Launch,
  item: DatasetItem,
): Promise<FlowJob | null> {
  const { tenant, job, bundle } = launch;
  const { id: jobId, dataset, model, settings, outputs, attempt, reuse } = job;
  const work: MergePayload = {
    version: 3,
    tenant,
    jobId,
    dataset,
    item,
    model,
    settings,
    outputs,
    attempt,
    reuse,
  };
  let plan: OcclusionPlan;
  try {
    const limits = engineOptionsOf(services.config);
    plan = resolveRun(settings, bundle, inputSize(bundle.input, item), limits).plan;
  } catch (error) {
    // Inputs may vary in size: a patch that does not fit one of them fails that image alone.
    await recordFailure(services, work, reportError(error));
    return null;
  }
  const rowsPerShard = rowsPerShardOf(launch, plan, services.config.UMBRA_SHARD_SECONDS);
  return imageFlow({
    work,
    shards: planShards(plan.rows, rowsPerShard),
    shardQueue: shardQueueFor(bundle.format),
    interactive: job.interactive,
    trace: await services.traces.queued({ tenant, jobId, imageId: item.id }),
  });
}

function rowsPerShardOf(
  { job, imagesLeft, inferenceThreads, secondsPerPosition }: Launch,
  { rows, grids }: OcclusionPlan,
  targetSeconds: number,
): number {
  if (needsWholeImage(job.settings)) return rows;
  if (job.rowsPerShard !== null) return job.rowsPerShard;
  return chooseRowsPerShard({
    rows,
    positionsPerRow: Math.max(...grids.map(({ columns }) => columns)),
    images: imagesLeft,
    inferenceThreads,
    secondsPerPosition,
    targetSeconds,
  });
}
