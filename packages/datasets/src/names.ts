import { invalidInput } from '@umbra/shared/errors';

/**
 * Hold a name to a plain relative path.
 *
 * @throws {AppError} `invalid_input`
 */
export function assertName(name: string): void {
  const segments = name.split('/');
  const bad =
    name === '' ||
    name.length > 1024 ||
    /[\\\p{Cc}]/u.test(name) ||
    /^[A-Za-z]:/.test(name) ||
    segments.some((segment) => segment === '' || segment === '.' || segment === '..');
  if (bad) throw invalidInput("Expected a relative file name without '..' or backslashes");
}

/** Folders, and what archivers and desktops leave beside photos. */
export const isIgnoredFile = (name: string): boolean =>
  name.endsWith('/') || /(^|\/)(__MACOSX\/|\.[^./])/.test(name);

/**
 * An ImageFolder's label: the name of the folder that an image lies in.
 *
 * @returns undefined for an image that lies in none.
 */
export function folderLabel(name: string): string | undefined {
  const folder = name.split('/').at(-2);
  return folder === undefined ? undefined : folder.slice(0, 200);
}
