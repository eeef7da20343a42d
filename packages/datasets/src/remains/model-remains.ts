import { matchKey } from '@umbra/platform/store/key-layout';
import type { Marker } from '@umbra/platform/store/markers';
import { endUpload, removeDeleted } from '@umbra/platform/store/own-models';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { Remains } from './remains.js';

/**
 * @returns What an upload of a model left whose process is gone, or what was written after a deletion; null for a
 *   marker of something else.
 */
export function findModelRemains(
  store: ObjectStore,
  key: string,
  { aliveAt }: Pick<Marker, 'aliveAt'>,
): Remains | null {
  const uploaded = matchKey('modelUpload', key);
  const deleted = matchKey('deletedModel', key);
  if (uploaded === null && deleted === null) return null;
  return {
    kind: uploaded === null ? 'deletion' : 'upload',
    name: key,
    sinceMs: Date.parse(aliveAt),
    async remove(signal) {
      // Gone where a new upload has ended the deletion: what it writes is not to be taken.
      if ((await store.head(key)) === null) return;
      if (uploaded !== null) await endUpload(store, uploaded, signal);
      else if (deleted !== null) await removeDeleted(store, deleted, signal);
      await store.delete(key);
    },
  };
}
