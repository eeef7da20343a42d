import { createHash } from 'node:crypto';
import type { BaselineMaps } from './run/segments.js';

/** Unoccluded runs of the last images, held to a number of bytes. */
export type BaselineCache = {
  /** The run of a key; made when it is not there. Shards that ask at once share one. */
  get(key: string, make: () => Promise<BaselineMaps>): Promise<BaselineMaps>;
};

/** @param bytes Most that kept maps may take; the newest stays in any case. */
export function createBaselineCache(bytes: number): BaselineCache {
  const runs = new Map<string, Promise<BaselineMaps>>();
  const sizes = new Map<string, number>();

  const forget = (key: string): void => {
    runs.delete(key);
    sizes.delete(key);
  };
  const trim = (): void => {
    for (const key of [...runs.keys()].slice(0, -1)) {
      const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
      if (total <= bytes) return;
      forget(key);
    }
  };
  const start = async (key: string, make: () => Promise<BaselineMaps>): Promise<BaselineMaps> => {
    try {
      const run = await make();
      sizes.set(
        key,
        run.maps.reduce((sum, [, map]) => sum + map.byteLength, 0),
      );
      trim();
      return run;
    } catch (error) {
      forget(key);
      throw error;
    }
  };

  return {
    get(key, make) {
      const run = runs.get(key) ?? start(key, make);
      // The newest last, so that the first is the one that was asked for longest ago.
      runs.delete(key);
      runs.set(key, run);
      return run;
    },
  };
}

/** A name for an image's numbers. */
export const imageKey = (image: SharedArrayBuffer): string =>
  createHash('sha256').update(new Uint8Array(image)).digest('base64');
