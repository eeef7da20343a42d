import type { RunLimits } from '@umbra/engine';
import { engineOptionsOf } from '@umbra/platform/config';
import { findModel, readModel } from '@umbra/platform/store/models';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { assertRuns } from '../models/check-published.js';
import { assertNotSetAside } from '../models/set-aside.js';
import type { ApiServices } from '../services.js';

/** A model that jobs may run, and what the settings of its runs are held to. */
export type RunnableModel = {
  readonly bundle: ModelBundle;
  readonly digest: string;
  readonly classNames: readonly string[] | undefined;
  readonly limits: RunLimits;
};

/**
 * Find a model by the name that a tenant knows it by, as a job of it would.
 *
 * @throws {AppError} `not_found`; `invalid_input` if it does not run; `conflict` if it is set aside;
 *   `unavailable` while Redis is down.
 */
export async function findRunnable(
  { store, config, losses }: Pick<ApiServices, 'store' | 'config' | 'losses'>,
  model: { readonly tenant: string; readonly name: string },
): Promise<RunnableModel> {
  const { name, digest } = await findModel(store, model);
  const { bundle, classNames } = await readModel(store, { ...model, digest });
  await assertRuns(store, { name, digest });
  await assertNotSetAside(losses, { name, digest });
  return { bundle, digest, classNames, limits: { ...engineOptionsOf(config), labels: classNames } };
}
