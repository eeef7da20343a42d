import { type Entry, isIgnoredFile } from '@umbra/datasets';
import type { DatasetMeter } from '@umbra/platform/tenancy/dataset-meter';
import type { DatasetSource } from '@umbra/shared/contracts/dataset';
import type { WorkerServices } from '../services.js';
import { entryOf, refusalOf } from './entry-of.js';
import { keepJournal, type Step } from './keep-journal.js';
import { limitsOf } from './limits.js';
import type { Place } from './read-source.js';
import { createResolver, translateDenial } from './resolve-image.js';

type PrefixSource = Extract<DatasetSource, { kind: 's3' }>;
/** The last object that was looked at; empty before the first. */
type At = { readonly after: string };

/** Look at all objects of a bucket under a prefix. They stay where they are. */
export async function readPrefix(
  services: WorkerServices,
  place: Place,
  id: string,
  source: PrefixSource,
  assertActive: () => Promise<void>,
  meter: DatasetMeter,
): Promise<void> {
  const { bucket, prefix, labels } = source;
  const resolve = createResolver(services, place, limitsOf(services));
  const look = async (key: string): Promise<Entry> => {
    const name = key.slice(prefix.length);
    try {
      const uri = `s3://${bucket}/${key}`;
      return entryOf({ name, uri }, await resolve({ uri }), labels, false);
    } catch (error) {
      return refusalOf(name, error);
    }
  };
  const read = (at: At) => steps(services, source, at, look);
  await keepJournal<At>(place, id, { after: '' }, read, assertActive, meter);
}

async function* steps(
  { sources }: WorkerServices,
  { bucket, prefix }: PrefixSource,
  { after }: At,
  look: (key: string) => Promise<Entry>,
): AsyncGenerator<Step<At>> {
  const objects = sources
    .open({ bucket, key: prefix })
    .list(prefix, after === '' ? {} : { after })
    [Symbol.asyncIterator]();
  for (;;) {
    const found = await objects.next().catch(translateDenial);
    if (found.done) return;
    const { key } = found.value;
    if (isIgnoredFile(key.slice(prefix.length))) continue;
    yield { look: () => look(key), next: { after: key } };
  }
}
