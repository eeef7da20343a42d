import type { Finding } from '@umbra/shared/contracts/service-report';
import { Redis } from 'ioredis';
import type { CommonConfig } from '../config.js';
import { openStore } from '../store/open-store.js';
import { checkRedis } from './check-redis.js';
import { checkDisks, checkModels, checkStoreRights } from './check-service-store.js';
import { checkActiveJobs, checkQueues, checkWorkers } from './check-work.js';
import { guard } from './findings.js';

const connectTimeoutMs = 5_000;

/** Check a running service by its Redis and its store. Nothing is changed. Never rejects. */
export async function checkService(config: Readonly<CommonConfig>): Promise<Finding[]> {
  const store = openStore(config);
  const redis = new Redis(config.REDIS_URL, {
    connectTimeout: connectTimeoutMs,
    commandTimeout: connectTimeoutMs,
    maxRetriesPerRequest: 1,
    retryStrategy: () => null,
  });
  redis.on('error', () => undefined);
  try {
    const inRedis = await guard('redis', () => checkRedis(redis));
    const isAway = redis.status !== 'ready';
    const onWork = isAway
      ? []
      : [
          ...(await guard('workers', () => checkWorkers(redis))),
          ...(await guard('queues', () => checkQueues(redis))),
          ...(await guard('jobs', () => checkActiveJobs(store, redis))),
        ];
    return [
      ...inRedis,
      ...(await guard('store', () => checkStoreRights(store))),
      ...(await guard('disk', () => checkDisks(config))),
      ...(await guard('models', () => checkModels(store))),
      ...onWork,
    ];
  } finally {
    redis.disconnect();
  }
}
