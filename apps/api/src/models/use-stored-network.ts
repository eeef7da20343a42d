import { type Network, readBundle, useNetwork } from '@umbra/engine';
import { fetchModel } from '@umbra/platform/store/models';
import type { DescribedBundle } from '@umbra/shared/contracts/model';
import type { Size } from '@umbra/shared/occlusion/grid';
import type { ApiServices } from '../services.js';

type OpenedNetwork = DescribedBundle & { readonly network: Network };

/**
 * Use the network of a stored model, which is fetched into this machine's cache folder first.
 *
 * @param size Extent of the input, px; the model's own where undefined.
 * @throws {AppError} `not_found` if there is no such model.
 */
export async function useStoredNetwork<T>(
  { store, config }: Pick<ApiServices, 'store' | 'config'>,
  { name, digest }: { readonly name: string; readonly digest: string },
  size: Size | undefined,
  use: (opened: OpenedNetwork) => Promise<T>,
): Promise<T> {
  const folder = await fetchModel(store, name, digest, config.UMBRA_CACHE_DIR);
  const described = await readBundle(folder);
  return useNetwork(folder, described.bundle, size, (network) => use({ ...described, network }));
}
