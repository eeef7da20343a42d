import { isIgnoredFile, type JournalEntry } from '@umbra/datasets';
import type { DatasetSource } from '@umbra/shared/contracts/dataset';
import { journalEntry, refusalEntry } from './journal-entry.js';
import { journalSource, type SourceItem } from './journal-source.js';
import { createResolver, translateDenial } from './resolve-image.js';
import type { SourceIngest } from './source-ingest.js';

type PrefixSource = Extract<DatasetSource, { kind: 's3' }>;
/** Key of the last object that was examined; empty before the first. */
type ObjectCheckpoint = { readonly after: string };
type ExamineObject = (key: string) => Promise<JournalEntry>;

/** Examine all objects of a bucket under a prefix. They stay where they are. */
export async function readPrefix(ingest: SourceIngest, source: PrefixSource): Promise<void> {
  const { bucket, prefix, labels } = source;
  const resolve = createResolver(ingest);
  const examine: ExamineObject = async (key) => {
    const name = key.slice(prefix.length);
    try {
      const uri = `s3://${bucket}/${key}`;
      return journalEntry({ name, uri }, await resolve({ uri }), { labels, once: false });
    } catch (error) {
      return refusalEntry(name, error);
    }
  };
  await journalSource<ObjectCheckpoint>(ingest, {
    start: { after: '' },
    itemsFrom: (checkpoint) => listItems(ingest, source, checkpoint, examine),
  });
}

async function* listItems(
  { sources }: SourceIngest,
  { bucket, prefix }: PrefixSource,
  { after }: ObjectCheckpoint,
  examine: ExamineObject,
): AsyncGenerator<SourceItem<ObjectCheckpoint>> {
  const objects = sources
    .open({ bucket, key: prefix })
    .list(prefix, after === '' ? {} : { after })
    [Symbol.asyncIterator]();
  for (;;) {
    const listed = await objects.next().catch(translateDenial);
    if (listed.done) return;
    const { key } = listed.value;
    if (isIgnoredFile(key.slice(prefix.length))) continue;
    yield { examine: () => examine(key), next: { after: key } };
  }
}
