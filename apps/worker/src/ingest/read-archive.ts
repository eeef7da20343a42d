import {
  createIntake,
  lastCheckpoint,
  offsetOf,
  partReader,
  streamParts,
  unpackTar,
  unpackZip,
} from '@umbra/intake';
import type { DatasetSource } from '@umbra/shared';
import type { Context } from '../context.js';
import { limitsOf } from './limits.js';
import type { Place } from './read-source.js';

type ArchiveSource = Extract<DatasetSource, { kind: 'archive' }>;

/** An archive may swell to so many times an upload's limit. */
const swelling = 8;

/** Unpack an archive that came in parts. Files that are in the journal already are passed over. */
export async function readArchive(
  context: Context,
  place: Place,
  id: string,
  { format, labels }: ArchiveSource,
  goOn: () => Promise<void>,
): Promise<void> {
  const last = await lastCheckpoint(place, id);
  const files = typeof last?.next.files === 'number' ? last.next.files : 0;
  const intake = createIntake({
    ...place,
    labels,
    limits: limitsOf(context),
    stream: id,
    done: { files, index: last?.index ?? 0 },
    isSource: true,
    onCommit: goOn,
  });
  const parts = { ...place, source: id };
  const maxBytes = swelling * context.config.UMBRA_MAX_UPLOAD_BYTES;
  if (format === 'zip') {
    const place = { reader: await partReader(parts), bytes: await offsetOf(parts) };
    await unpackZip(place, intake, { maxBytes });
  } else {
    const isCompressed = format === 'tar.gz';
    await unpackTar(await streamParts(parts), intake, { isCompressed, maxBytes });
  }
  await intake.settle();
  await intake.commit();
}
