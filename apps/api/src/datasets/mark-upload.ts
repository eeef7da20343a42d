import { newStreamId } from '@umbra/datasets';
import { keys } from '@umbra/platform/store/keys';
import { type HeldMarker, holdMarker, type MarkerFacts } from '@umbra/platform/store/markers';
import type { Reference } from '@umbra/shared/contracts/reference';
import type { ApiServices } from '../services.js';

/**
 * Mark that a request writes into a dataset, before its first byte: the sweep takes what it leaves
 * where this process dies.
 */
export const markUpload = (
  { store, config }: Pick<ApiServices, 'store' | 'config'>,
  { tenant, id }: Reference,
  { stream = newStreamId(), ...facts }: MarkerFacts & { readonly stream?: string } = {},
): Promise<HeldMarker> =>
  holdMarker(store, keys.upload(tenant, id, stream), {
    abandonedMs: config.UMBRA_ABANDONED_MS,
    ...facts,
  });

/** A marker that stays costs a look of the sweep, which finds that all is written down. */
export const removeQuietly = (marker: HeldMarker): Promise<void> =>
  marker.remove().catch(() => undefined);
