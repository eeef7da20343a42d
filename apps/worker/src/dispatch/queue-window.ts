import { type ShardQueue, shardQueues } from '@umbra/platform/queues/names';
import type { JobRecord } from '@umbra/shared/contracts/job';
import type { FleetSnapshot } from './fleet-snapshot.js';

/** The images that one kind of job has in one shard queue, and how many it may have. */
export type QueueWindow = {
  /** Inference threads that serve the queue. */
  readonly inferenceThreads: number;
  /** Maximum number of images, whatever they cost. */
  readonly maxImages: number;
  images: number;
  /** Time that one inference thread needs for all of them. */
  seconds: number;
};

/** Interactive images do not wait for room among batches: they have a window of their own. */
export const windowKinds = ['interactive', 'batch'] as const;
export type WindowKind = (typeof windowKinds)[number];

export type QueueWindows = Readonly<Record<ShardQueue, Readonly<Record<WindowKind, QueueWindow>>>>;

/**
 * Enough work for no thread to idle between two ticks of the dispatcher, and little enough for a job
 * that comes late to be served soon.
 */
const horizonSeconds = 1;
const imagesPerThread = 2;
const minInteractiveImages = 4;

export const shardQueueNames = Object.keys(shardQueues) as readonly ShardQueue[];

export const windowKindOf = ({ interactive }: Pick<JobRecord, 'interactive'>): WindowKind =>
  interactive ? 'interactive' : 'batch';

/** Open an empty window for each shard queue and kind of job. */
export function openWindows(
  { inferenceThreads }: Pick<FleetSnapshot, 'inferenceThreads'>,
  maxImages: number,
): QueueWindows {
  const open = (queue: ShardQueue): Record<WindowKind, QueueWindow> => {
    const empty = { inferenceThreads: inferenceThreads[queue], images: 0, seconds: 0 };
    const maxInteractive = Math.max(minInteractiveImages, 2 * inferenceThreads[queue]);
    return { interactive: { ...empty, maxImages: maxInteractive }, batch: { ...empty, maxImages } };
  };
  return { shard: open('shard'), shardTfjs: open('shardTfjs') };
}

/** Whether the queue takes one more image. */
export function hasRoom({ inferenceThreads, maxImages, images, seconds }: QueueWindow): boolean {
  if (images >= maxImages) return false;
  return (
    images < imagesPerThread * Math.max(1, inferenceThreads) ||
    seconds < horizonSeconds * inferenceThreads
  );
}
