import { readdir } from 'node:fs/promises';
import type { Finding } from '@umbra/shared/contracts/service-report';
import { reportError } from '@umbra/shared/errors';
import { type FsRootOptions, markerName, openFsRoot, scratch } from '../store/fs-root.js';
import { ok, problem } from './findings.js';

const check = 'store.marker';
/** An API makes a marker where Redis knows of no store. */
const toMeanIt =
  'If a new store or another is meant: stop every process, DEL umbra:store in Redis, start an API, then the others';

/**
 * Check that a folder is the store that it was: it carries its marker. Nothing is made in its place.
 *
 * @param folder The root of an `fs` store.
 * @param admit Asked whether a store is the one that is meant.
 */
export async function checkStoreMarker(
  folder: string,
  { admit }: Required<Pick<FsRootOptions, 'admit'>>,
): Promise<Finding> {
  const damage = await openFsRoot(folder, { admit })
    .assertPresent()
    .then(
      () => null,
      (error: unknown) => reportError(error).message,
    );
  if (damage !== null) {
    return problem({
      check,
      found: damage,
      meaning:
        'It is of another store or version, or cannot be read: the service neither reads nor writes',
      action: `Mount the store's own volume at UMBRA_STORE_DIR, or restore ${markerName} from the backup. ${toMeanIt}`,
    });
  }
  const names = await readdir(folder).catch(() => null);
  if (names?.includes(markerName)) return ok(check, markerName);
  const isEmpty = (names ?? []).every((name) => name === scratch);
  return problem({
    check,
    found: `no ${markerName} in ${folder}, which ${names === null ? 'is not there' : isEmpty ? 'is empty' : 'holds other files'}`,
    meaning: isEmpty
      ? 'Its volume seems to be away: processes that have seen it read and write nothing until it is back. Or no process has ever written here'
      : 'Processes that have seen the marker read and write nothing until it is back. Or an older version wrote this store, and no process of this one has written to it yet',
    action: isEmpty
      ? `Mount the volume, in every process. ${toMeanIt}`
      : `Mount the right volume, or restore ${markerName} from the backup; if it is lost: ${toMeanIt}`,
  });
}
