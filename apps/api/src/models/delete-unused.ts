import { findJobRecord } from '@umbra/platform/store/job-records';
import { parseKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import { findModel } from '@umbra/platform/store/models';
import { deleteOwnModel, type OwnModelName, readOwnModel } from '@umbra/platform/store/own-models';
import type { ObjectStore } from '@umbra/platform/store/store';
import { isFinal } from '@umbra/shared/contracts/job';
import { AppError } from '@umbra/shared/errors';

/**
 * Delete a tenant's own model, with all of its versions.
 *
 * @throws {AppError} `not_found`; `conflict` if the service has it, or an unfinished job runs one of its versions.
 */
export async function deleteUnused(store: ObjectStore, model: OwnModelName): Promise<void> {
  const { name } = model;
  // By its record alone: a model whose description is damaged can be deleted, too.
  if ((await readOwnModel(store, model)) === null) {
    await findModel(store, model);
    throw new AppError(
      'conflict',
      `Expected an uploaded model, got '${name}', which is the service's`,
    );
  }
  const job = await findUser(store, model);
  if (job !== null) {
    throw new AppError(
      'conflict',
      `Model '${name}' is in use by job '${job}', which has not ended`,
    );
  }
  await deleteOwnModel(store, model);
}

/** Find an unfinished job of a model; null where there is none. */
async function findUser(
  store: ObjectStore,
  { tenant, name }: OwnModelName,
): Promise<string | null> {
  for await (const { key } of store.list(keys.activeJobs(tenant))) {
    const { id } = parseKey('activeJob', key);
    const job = await findJobRecord(store, tenant, id);
    if (job !== null && job.model.name === name && !isFinal(job.state)) return id;
  }
  return null;
}
