import { assertName, type Entry, folderLabel } from '@umbra/datasets';
import type { ManifestLine } from '@umbra/shared/contracts/dataset';
import { integrity, invalidInput, isRetryable, reportError } from '@umbra/shared/errors';
import type { Found } from './resolve-image.js';

type Labels = 'folder' | null;

/** What the journal says of a line whose image is known. @throws {AppError} */
export function entryOf(line: ManifestLine, found: Found, labels: Labels, once: boolean): Entry {
  const name = line.name ?? found.source?.key ?? '';
  assertName(name);
  if (line.sha256 !== undefined && line.sha256 !== found.sha256) {
    throw integrity(`Expected sha256 ${line.sha256}, got ${found.sha256}`);
  }
  if (line.bytes !== undefined && line.bytes !== found.bytes) {
    throw integrity(`Expected ${line.bytes} bytes, got ${found.bytes}`);
  }
  const { box } = line;
  if (box !== undefined && (box.bottom > found.height || box.right > found.width)) {
    throw invalidInput(`Expected a box within ${found.width} x ${found.height} px`);
  }
  const label = line.label ?? (labels === 'folder' ? folderLabel(name) : undefined);
  const item = {
    name,
    ...found,
    ...(label === undefined ? {} : { label }),
    ...(box === undefined ? {} : { box }),
  };
  return once ? { item, once } : { item };
}

/** @throws Faults of ours: all of it is to be tried again. */
export function refusalOf(name: string, error: unknown, line?: number): Entry {
  if (isRetryable(error)) throw error;
  const { code, message } = reportError(error);
  const where = line === undefined ? '' : `Line ${line}: `;
  return { refusal: { name: name.slice(0, 200), error: { code, message: `${where}${message}` } } };
}
