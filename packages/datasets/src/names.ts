import { invalidInput } from '@umbra/shared/errors';
import { describeBadPath } from '@umbra/shared/file-names';
import { hasHidden } from '@umbra/shared/visible-text';

/**
 * Hold a name to a plain relative path.
 *
 * @throws {AppError} `invalid_input`
 */
export function assertName(name: string): void {
  const bad = describeBadPath(name);
  if (bad !== null) throw invalidInput(`Expected a relative file name, got ${bad}`);
}

/**
 * Folders, and what archivers and desktops leave beside photos. A file whose name is in an unknown
 * encoding is a photo as well as any: it is refused, and not passed over.
 */
export const isIgnoredFile = (name: string): boolean =>
  name.endsWith('/') || (!name.includes('\ufffd') && /(^|\/)(__MACOSX\/|\.[^./])/.test(name));

/** Limit of `classText`, UTF-16 code units. */
const maxLabelLength = 200;

/**
 * An ImageFolder's label: the name of the folder that an image lies in.
 *
 * @returns undefined for an image that lies in none.
 * @throws {AppError} `invalid_input` for one with hidden characters: what looks the same is the same.
 */
export function folderLabel(name: string): string | undefined {
  const folder = name.split('/').at(-2);
  if (folder !== undefined && hasHidden(folder)) {
    throw invalidInput(`Expected a label without hidden characters, got the folder '${folder}'`);
  }
  // Cut between characters: half of a surrogate pair is no text that a manifest could hold.
  return folder
    ?.normalize('NFC')
    .slice(0, maxLabelLength)
    .replace(/\p{Cs}$/u, '');
}
