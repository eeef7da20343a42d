import {
  createDatasetWriter,
  type DatasetWriter,
  lastCheckpoint,
  offsetOf,
  partReader,
  streamParts,
  unpackTar,
  unpackZip,
} from '@umbra/datasets';
import type { DatasetMeter } from '@umbra/platform/tenancy/dataset-meter';
import type { DatasetSource } from '@umbra/shared/contracts/dataset';
import { hasCode } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';
import { limitsOf } from './limits.js';
import type { Place } from './read-source.js';

type ArchiveSource = Extract<DatasetSource, { kind: 'archive' }>;

/** An archive may swell to so many times an upload's limit. */
const swelling = 8;

/** Unpack an archive that came in parts. Files that are in the journal already are passed over. */
export async function readArchive(
  services: WorkerServices,
  place: Place,
  id: string,
  { format, labels }: ArchiveSource,
  assertActive: () => Promise<void>,
  meter: DatasetMeter,
): Promise<void> {
  const last = await lastCheckpoint(place, id);
  const files = typeof last?.next.files === 'number' ? last.next.files : 0;
  const writer = createDatasetWriter({
    ...place,
    labels,
    limits: limitsOf(services),
    stream: id,
    done: { files, index: last?.index ?? 0 },
    isSource: true,
    admit: meter.take,
    onCommit: assertActive,
  });
  const maxBytes = swelling * services.config.UMBRA_MAX_UPLOAD_BYTES;
  try {
    await unpack({ ...place, source: id }, format, writer, maxBytes);
    await writer.settle();
  } catch (error) {
    if (!hasCode(error, 'quota_exceeded')) throw error;
    // What fitted is in the store, and is counted.
    await writer.settle().catch(() => undefined);
    await writer.commit();
    throw error;
  }
  await writer.commit();
}

async function unpack(
  parts: Place & { readonly source: string },
  format: ArchiveSource['format'],
  writer: DatasetWriter,
  maxBytes: number,
): Promise<void> {
  if (format === 'zip') {
    const place = { reader: await partReader(parts), bytes: await offsetOf(parts) };
    await unpackZip(place, writer, { maxBytes });
  } else {
    const isCompressed = format === 'tar.gz';
    await unpackTar(await streamParts(parts), writer, { isCompressed, maxBytes });
  }
}
