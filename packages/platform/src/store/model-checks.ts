import { z } from 'zod';
import { findJson, putJson } from './json.js';
import { keys } from './keys.js';
import type { ObjectStore } from './store.js';

/** Whether a published model runs: found once for each digest, and asked for by every job. */
const modelCheck = z.object({
  version: z.literal(1),
  /** Why it does not run; null where it does. */
  reason: z.string().nullable(),
  /** Version of Umbra that found it: another one may run what this one does not. */
  umbraVersion: z.string(),
});
export type ModelCheck = z.output<typeof modelCheck>;

type Published = { readonly name: string; readonly digest: string };

/** Read what was found of a model; null where nothing was. */
export const readModelCheck = (
  store: ObjectStore,
  { name, digest }: Published,
): Promise<ModelCheck | null> => findJson(store, keys.modelCheck(name, digest), modelCheck);

export const writeModelCheck = (
  store: ObjectStore,
  { name, digest }: Published,
  check: ModelCheck,
): Promise<void> => putJson(store, keys.modelCheck(name, digest), check);
