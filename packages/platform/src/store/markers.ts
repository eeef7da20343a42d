import { unavailable } from '@umbra/shared/errors';
import { z } from 'zod';
import { findJson, putJson } from './json.js';
import type { ObjectStore } from './store.js';

/**
 * A marker of unfinished work with a last sign of life. It is written before the first byte that it
 * names; once the sign is old, its process counts as dead, and the sweep takes what it left.
 */
const marker = z.object({
  version: z.literal(1),
  /** Last sign of life, or the time until which somebody may still write. */
  aliveAt: z.iso.datetime(),
  /** Job that owns the dataset once its record is there. */
  job: z.string().optional(),
  /** When the dataset or the job was made: its entry in the index has this in its key. */
  createdAt: z.iso.datetime().optional(),
});
export type Marker = z.output<typeof marker>;
export type MarkerFacts = Partial<Omit<Marker, 'version'>>;

/** Write a marker whose last sign of life is now, unless `aliveAt` gives another time. */
export const putMarker = (
  store: ObjectStore,
  key: string,
  facts: MarkerFacts = {},
): Promise<void> =>
  putJson(store, key, { version: 1, aliveAt: new Date().toISOString(), ...facts });

/** @returns null where there is none. */
export const readMarker = (store: ObjectStore, key: string): Promise<Marker | null> =>
  findJson(store, key, marker);

/** A marker that this process keeps alive. */
export type HeldMarker = {
  /** @throws {AppError} `unavailable` if it may count as abandoned, as after a long sleep. */
  assertAlive(): void;
  /** What it marks is written down, or taken back. */
  remove(): Promise<void>;
  /** Leave it to the sweep. */
  leave(): void;
};

/** Write a marker and renew it four times before it would count as abandoned. */
export async function holdMarker(
  store: ObjectStore,
  key: string,
  { abandonedMs, ...facts }: MarkerFacts & { readonly abandonedMs: number },
): Promise<HeldMarker> {
  let aliveMs = 0;
  let renewal = Promise.resolve();
  const renew = async (): Promise<void> => {
    const now = Date.now();
    await putMarker(store, key, facts);
    aliveMs = now;
  };
  await renew();
  const timer = setInterval(() => {
    // A store that is away ends the upload by itself.
    renewal = renewal.then(renew).catch(() => undefined);
  }, abandonedMs / 4).unref();
  const leave = () => clearInterval(timer);
  return {
    leave,
    assertAlive() {
      if (Date.now() - aliveMs < abandonedMs) return;
      throw unavailable(`Expected '${key}' to be renewed within ${abandonedMs} ms`);
    },
    async remove() {
      leave();
      // It would write the marker again.
      await renewal;
      await store.delete(key);
    },
  };
}
