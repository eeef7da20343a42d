import { randomUUID } from 'node:crypto';
import { probeTfjs } from '@umbra/engine';
import { type ShardQueue, shardQueues } from '@umbra/platform/queues/names';
import { heartbeatMs } from '@umbra/platform/redis/worker-registry';
import type { WorkerNotice } from '@umbra/shared/contracts/worker';
import { reportError } from '@umbra/shared/errors';
import { umbraVersion } from '@umbra/shared/version';
import type { WorkerServices } from '../services.js';

type RegisterServices = Pick<
  WorkerServices,
  'config' | 'logger' | 'workerRegistry' | 'runningSteps'
>;

/** Register what this worker can run and what it runs, and renew it. @returns Stops and unregisters. */
export function registerWorker(
  { config, logger, workerRegistry, runningSteps }: RegisterServices,
  served: readonly ShardQueue[],
): () => void {
  const worker: Omit<WorkerNotice, 'seenAt'> = {
    id: randomUUID(),
    umbraVersion,
    formats: served.flatMap((name) => [...shardQueues[name]]),
    inferenceThreads: served.length > 0 ? config.UMBRA_INFERENCE_THREADS : 0,
    backends: served.includes('shard') ? { onnx: `onnxruntime ${config.UMBRA_PROVIDER}` } : {},
  };
  let isStopped = false;
  const heartbeat = async (): Promise<void> => {
    if (isStopped) return;
    await workerRegistry.heartbeat(worker, runningSteps.list()).catch((error: unknown) => {
      logger.warn({ reason: reportError(error).message }, 'worker heartbeat failed');
    });
  };
  // The TensorFlow.js backend is added once it is known: loading one takes seconds.
  if (served.includes('shardTfjs')) {
    probeTfjs().then(
      ({ name, device, refused }) => {
        worker.backends.tfjs = `${name} ${device}`;
        logger.info({ backend: name, device, refused }, 'TensorFlow.js loaded');
        return heartbeat();
      },
      (error: unknown) =>
        logger.warn({ reason: reportError(error).message }, 'TensorFlow.js not loaded'),
    );
  }
  const timer = setInterval(heartbeat, heartbeatMs);
  // Not awaited: an unreachable Redis must not keep a worker from starting.
  void heartbeat();
  return () => {
    clearInterval(timer);
    isStopped = true;
    workerRegistry.leave(worker.id).catch(() => undefined);
  };
}
