import { type Network, readBundle, useNetwork } from '@umbra/engine';
import type { DescribedBundle } from '@umbra/shared/contracts/model';
import type { ModelReference } from '@umbra/shared/contracts/reference';
import type { Size } from '@umbra/shared/occlusion/grid';
import type { ApiServices } from '../services.js';

type NetworkWish = {
  /** Extent of the input, px; the model's own where undefined. */
  readonly size?: Size | undefined;
  /** Ends the wait for the files. */
  readonly signal: AbortSignal;
};

type OpenedNetwork = DescribedBundle & { readonly network: Network };

/**
 * Use the network of a stored model, which is fetched into this machine's cache folder first.
 *
 * @throws {AppError} `not_found` if there is no such model; the signal's reason.
 */
export async function useStoredNetwork<T>(
  { modelFolders }: Pick<ApiServices, 'modelFolders'>,
  model: ModelReference,
  { size, signal }: NetworkWish,
  use: (opened: OpenedNetwork) => Promise<T>,
): Promise<T> {
  const folder = await modelFolders.get(model, signal);
  const described = await readBundle(folder);
  return useNetwork(folder, described.bundle, size, (network) => use({ ...described, network }));
}
