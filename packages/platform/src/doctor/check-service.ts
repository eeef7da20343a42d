import type { Finding } from '@umbra/shared/contracts/service-report';
import { Redis } from 'ioredis';
import type { CommonConfig } from '../config.js';
import { consultKnownStore } from '../redis/known-store.js';
import { openStore } from '../store/open-store.js';
import { checkRedis } from './check-redis.js';
import { checkDisks, checkModels, checkStoreRights } from './check-service-store.js';
import { checkStoreMarker } from './check-store-marker.js';
import { checkActiveJobs, checkLosses, checkQueues, checkWorkers } from './check-work.js';
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
    const marker =
      config.UMBRA_STORE === 'fs'
        ? await guard('store.marker', async () => [
            await checkStoreMarker(config.UMBRA_STORE_DIR, consultKnownStore(config.REDIS_URL)),
          ])
        : [];
    // A write would make a store of an empty folder, and so hide that the volume is away.
    const isStoreThere = marker.every(({ severity }) => severity === 'ok');
    const onStore = isStoreThere
      ? [
          ...(await guard('store', () => checkStoreRights(store))),
          ...(await guard('disk', () => checkDisks(config))),
          ...(await guard('models', () => checkModels(store))),
        ]
      : [];
    const inRedis = await guard('redis', () => checkRedis(redis));
    const isAway = redis.status !== 'ready';
    const onWork = isAway
      ? []
      : [
          ...(await guard('workers', () => checkWorkers(redis))),
          ...(await guard('queues', () => checkQueues(redis))),
          ...(isStoreThere ? await guard('jobs', () => checkActiveJobs(store, redis)) : []),
          ...(await guard('losses', () => checkLosses(redis))),
        ];
    return [...inRedis, ...marker, ...onStore, ...onWork];
  } finally {
    redis.disconnect();
  }
}
