import { readdir } from 'node:fs/promises';
import type { Finding } from '@umbra/shared/contracts/service-report';
import { reportError } from '@umbra/shared/errors';
import { markerName, openFsRoot, scratch } from '../store/fs-root.js';
import { ok, problem } from './findings.js';

const check = 'store.marker';

/**
 * Check that a folder is the store that it was: it carries a marker. Nothing is made in its place.
 *
 * @param folder The root of an `fs` store.
 */
export async function checkStoreMarker(folder: string): Promise<Finding> {
  const damage = await openFsRoot(folder)
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
        'It is none of this version, or cannot be read: the service neither reads nor writes',
      action: `Mount the store's own volume at UMBRA_STORE_DIR, or restore ${markerName} from the backup`,
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
      ? 'Mount the volume, in every process; for a new service, start an API: its first write makes the marker'
      : `Mount the right volume, or restore ${markerName} from the backup; if it is lost, restart every process: the first write makes another`,
  });
}
