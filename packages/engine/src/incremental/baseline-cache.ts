import { createLoadingCache } from '@umbra/shared/cache';
import type { BaselineMaps } from './types.js';

/** Unoccluded runs of the last images, held to a number of bytes. */
export type BaselineCache = {
  /** The run of a key; made where it is not kept. Shards that ask at once share one making. */
  get(key: string, make: () => Promise<BaselineMaps>): Promise<BaselineMaps>;
};

/** @param maxBytes Limit for kept maps; the newest run stays in any case, since its boxes follow. */
export function createBaselineCache(maxBytes: number): BaselineCache {
  const runs = createLoadingCache<BaselineMaps>({
    maxBytes: Math.max(1, Math.floor(maxBytes)),
    sizeOf: ({ maps }) => maps.reduce((sum, [, map]) => sum + map.byteLength, 0),
  });
  let newest: { readonly key: string; readonly run: BaselineMaps } | undefined;
  return {
    async get(key, make) {
      const known = newest;
      const run = await runs.load(key, async () => (known?.key === key ? known.run : make()));
      newest = { key, run };
      return run;
    },
  };
}
