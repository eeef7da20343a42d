import type { DatasetSource, ObjectStore } from '@umbra/shared';
import type { Context } from '../context.js';
import { readArchive } from './read-archive.js';
import { readLineSource } from './read-lines.js';
import { readPrefix } from './read-prefix.js';

export type Place = {
  readonly store: ObjectStore;
  readonly tenant: string;
  readonly dataset: string;
};

/**
 * Read one source into the journal, from where it was left.
 *
 * @param goOn Called after each segment; what it throws ends the reading.
 */
export async function readSource(
  context: Context,
  place: Place,
  id: string,
  source: DatasetSource,
  goOn: () => Promise<void>,
): Promise<void> {
  switch (source.kind) {
    case 's3':
      return readPrefix(context, place, id, source, goOn);
    case 'lines':
      return readLineSource(context, place, id, source, goOn);
    case 'archive':
      return readArchive(context, place, id, source, goOn);
  }
}
