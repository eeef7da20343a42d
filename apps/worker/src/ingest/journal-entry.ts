import { assertName, folderLabel, type JournalEntry } from '@umbra/datasets';
import type { DatasetSource, ManifestLine } from '@umbra/shared/contracts/dataset';
import { integrity, invalidInput, isRetryable, reportError } from '@umbra/shared/errors';
import type { ResolvedImage } from './resolve-image.js';

export type EntryOptions = {
  /** Origin of labels that a line does not give. */
  readonly labels: DatasetSource['labels'];
  /** Whether a client sent the line, who may send it again: the same file counts once. */
  readonly once: boolean;
};

/** The journal's entry of a line whose image is known. @throws {AppError} If they do not fit. */
export function journalEntry(
  line: ManifestLine,
  image: ResolvedImage,
  { labels, once }: EntryOptions,
): JournalEntry {
  const name = line.name ?? image.source?.key;
  if (name === undefined) throw invalidInput('Expected a name');
  assertName(name);
  assertFits(line, image);
  const { box } = line;
  const label = line.label ?? (labels === 'folder' ? folderLabel(name) : undefined);
  const item = {
    name,
    ...image,
    ...(label === undefined ? {} : { label }),
    ...(box === undefined ? {} : { box }),
  };
  return once ? { item, once } : { item };
}

function assertFits({ sha256, bytes, box }: ManifestLine, image: ResolvedImage): void {
  if (sha256 !== undefined && sha256 !== image.sha256) {
    throw integrity(`Expected sha256 ${sha256}, got ${image.sha256}`);
  }
  if (bytes !== undefined && bytes !== image.bytes) {
    throw integrity(`Expected ${bytes} bytes, got ${image.bytes}`);
  }
  if (box !== undefined && (box.bottom > image.height || box.right > image.width)) {
    throw invalidInput(`Expected a box within ${image.width} x ${image.height} px`);
  }
}

/**
 * The journal's entry of an item that is refused.
 *
 * @param line Number of the line in its manifest.
 * @throws The error itself if it is retryable: the whole source is then read again.
 */
export function refusalEntry(name: string, error: unknown, line?: number): JournalEntry {
  if (isRetryable(error)) throw error;
  const { code, message } = reportError(error);
  const where = line === undefined ? '' : `Line ${line}: `;
  return { refusal: { name: name.slice(0, 200), error: { code, message: `${where}${message}` } } };
}
