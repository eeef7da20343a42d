import { inputSize, planOcclusion } from '@umbra/engine';
import {
  outageJobOptions,
  priorityOf,
  queueJobIds,
  queueNames,
  shardQueueFor,
} from '@umbra/platform/queues/queues';
import type { DatasetItem } from '@umbra/shared/contracts/dataset';
import type { JobRecord } from '@umbra/shared/contracts/job';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { needsWholeImage } from '@umbra/shared/contracts/settings';
import { reportError } from '@umbra/shared/errors';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import { planShards } from '@umbra/shared/occlusion/shards';
import type { FlowJob } from 'bullmq';
import { recordFailure } from '../merge/merge.js';
import type { WorkerServices } from '../services.js';
import { chooseRowsPerShard, type ShardSizing } from '../shards/rows-per-shard.js';

/** Flows in one MULTI: Redis serves nobody else meanwhile. */
const flowsAtOnce = 50;

export type Launch = {
  readonly tenant: string;
  readonly job: JobRecord;
  readonly bundle: ModelBundle;
  readonly items: readonly DatasetItem[];
  /** Images of the job that are not yet started. */
  readonly imagesLeft: number;
  readonly inferenceThreads: number;
  /** Measured in one inference thread; null while the model was never measured. */
  readonly secondsPerPosition: number | null;
};

/** Queue images: a flow each. What cannot be run fails here, by itself. */
export async function launchImages(
  services: WorkerServices,
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
  services: WorkerServices,
  { tenant, job, bundle, imagesLeft, inferenceThreads, secondsPerPosition }: Launch,
  item: DatasetItem,
): Promise<FlowJob | null> {
  const { id: jobId, dataset, model, settings, attempt, reuse } = job;
  const image = { version: 2, tenant, jobId, dataset, item } as const;
  const work = { ...image, model, settings, attempt, reuse } as const;
  let plan: OcclusionPlan;
  try {
    plan = planOcclusion(inputSize(bundle.input, item), settings);
  } catch (error) {
    // Inputs may vary in size: a patch that one of them cannot hold is that image's failure.
    await recordFailure(services, work, reportError(error));
    return null;
  }
  const { rows } = plan;
  const sizing: ShardSizing = {
    ...{ rows, images: imagesLeft, inferenceThreads, secondsPerPosition },
    positionsPerRow: Math.max(...plan.grids.map(({ columns }) => columns)),
    targetSeconds: services.config.UMBRA_SHARD_SECONDS,
  };
  const rowsPerShard = needsWholeImage(settings)
    ? rows
    : (job.rowsPerShard ?? chooseRowsPerShard(sizing));
  const priority = priorityOf(job);
  const trace = await services.traces.queued({ tenant, jobId, imageId: item.id });
  const traced = trace === undefined ? {} : { telemetry: { metadata: trace } };
  return {
    name: queueNames.merge,
    queueName: queueNames.merge,
    data: work,
    opts: {
      ...outageJobOptions,
      ...priority,
      ...traced,
      jobId: queueJobIds.merge(jobId, attempt, item.id),
    },
    children: planShards(rows, rowsPerShard).map(({ rowStart, rowEnd }) => ({
      name: queueNames.shard,
      queueName: queueNames[shardQueueFor(bundle.format)],
      data: { ...work, rowStart, rowEnd },
      opts: {
        ...outageJobOptions,
        ...priority,
        ...traced,
        attempts: 3,
        // A failed child must not strand its parent: the merge finds the failure and decides.
        ignoreDependencyOnFailure: true,
        jobId: queueJobIds.shard(jobId, attempt, item.id, rowStart),
      },
    })),
  };
}
