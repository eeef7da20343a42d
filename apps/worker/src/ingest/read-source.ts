import type { DatasetSource } from '@umbra/shared/contracts/dataset';
import { hasCode } from '@umbra/shared/errors';
import { readArchive } from './read-archive.js';
import { readLineSource } from './read-lines.js';
import { readPrefix } from './read-prefix.js';
import type { SourceIngest } from './source-ingest.js';

/**
 * Read one source into the journal, from its last checkpoint.
 *
 * @throws {AppError} `quota_exceeded` if the tenant may not hold all of it; the journal has what fitted.
 *   What `assertActive` throws, after a committed segment.
 */
export async function readSource(ingest: SourceIngest, source: DatasetSource): Promise<void> {
  const { meter } = ingest;
  await meter.open();
  try {
    await read(ingest, source);
  } catch (error) {
    if (hasCode(error, 'quota_exceeded')) await meter.settle();
    throw error;
  }
  await meter.settle();
}

async function read(ingest: SourceIngest, source: DatasetSource): Promise<void> {
  switch (source.kind) {
    case 's3':
      return readPrefix(ingest, source);
    case 'lines':
      return readLineSource(ingest, source);
    case 'archive':
      return readArchive(ingest, source);
  }
}
