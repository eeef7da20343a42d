import {
  createDatasetWriter,
  type DatasetWriter,
  lastCheckpoint,
  maxExpansion,
  offsetOf,
  partReader,
  streamParts,
  unpackTar,
  unpackZip,
} from '@umbra/datasets';
import type { DatasetSource } from '@umbra/shared/contracts/dataset';
import { hasCode } from '@umbra/shared/errors';
import type { SourceIngest } from './source-ingest.js';

type ArchiveSource = Extract<DatasetSource, { kind: 'archive' }>;

/** Unpack an archive that was uploaded in parts. Files that the journal has are skipped. */
export async function readArchive(
  ingest: SourceIngest,
  { format, labels }: ArchiveSource,
): Promise<void> {
  const { location, id, limits, meter, assertActive } = ingest;
  const last = await lastCheckpoint(location, id);
  const index = last === null ? 0 : last.index;
  const files = typeof last?.next.files === 'number' ? last.next.files : 0;
  const writer = createDatasetWriter({
    ...location,
    labels,
    limits,
    stream: id,
    done: { files, index },
    isSource: true,
    admit: meter.take,
    onCommit: assertActive,
  });
  try {
    await unpack(ingest, format, writer);
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
  { location, id, maxUploadBytes, shutdown }: SourceIngest,
  format: ArchiveSource['format'],
  writer: DatasetWriter,
): Promise<void> {
  const parts = { ...location, source: id };
  const limits = { maxBytes: maxExpansion * maxUploadBytes, signal: shutdown };
  if (format === 'zip') {
    const file = { reader: await partReader(parts), bytes: await offsetOf(parts) };
    await unpackZip(file, writer, limits);
  } else {
    const isCompressed = format === 'tar.gz';
    await unpackTar(await streamParts(parts), writer, { ...limits, isCompressed });
  }
}
