import { randomUUID } from 'node:crypto';
import { probeTfjs } from '@umbra/engine';
import { type ShardQueue, shardQueues } from '@umbra/platform/queues/queues';
import { heartbeatMs, type WorkerRegistry } from '@umbra/platform/redis/worker-registry';
import type { WorkerNotice } from '@umbra/shared/contracts/worker';
import { reportError } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';

/** Say what this worker can run, again and again. @returns What takes it back. */
export function joinFleet(
  { config, logger }: WorkerServices,
  workerRegistry: WorkerRegistry,
  served: readonly ShardQueue[],
): () => void {
  const worker: Omit<WorkerNotice, 'seenAt'> = {
    id: randomUUID(),
    formats: served.flatMap((name) => [...shardQueues[name]]),
    inferenceThreads: served.length > 0 ? config.UMBRA_INFERENCE_THREADS : 0,
    backends: served.includes('shard') ? { onnx: `onnxruntime ${config.UMBRA_PROVIDER}` } : {},
  };
  let left = false;
  const heartbeat = async (): Promise<void> => {
    if (left) return;
    await workerRegistry.heartbeat(worker).catch((error: unknown) => {
      logger.warn({ reason: reportError(error).message }, 'the fleet does not hear of this worker');
    });
  };
  // Which TensorFlow.js runs is told when it is known: loading one takes seconds.
  if (served.includes('shardTfjs')) {
    probeTfjs().then(
      ({ name, device, refused }) => {
        worker.backends.tfjs = `${name} ${device}`;
        logger.info({ backend: name, device, refused }, 'TensorFlow.js');
        return heartbeat();
      },
      (error: unknown) => logger.warn({ reason: reportError(error).message }, 'no TensorFlow.js'),
    );
  }
  const timer = setInterval(heartbeat, heartbeatMs);
  // A Redis that is away keeps no worker from starting.
  heartbeat();
  return () => {
    clearInterval(timer);
    left = true;
    workerRegistry.leave(worker.id).catch(() => undefined);
  };
}
