import { createHash } from 'node:crypto';

/** Longest name of a file or folder that file systems take, bytes of UTF-8. */
const maxSegmentBytes = 255;
/** Longest path of an image, characters. */
export const maxPathLength = 1024;

/**
 * Say why a path is no plain relative one, which means the same on every system and leads out of no
 * folder: `Expected a relative path, got ${what}`.
 *
 * @returns What is wrong with it; null if nothing is.
 */
export function describeBadPath(path: string): string | null {
  const control = /\p{Cc}/u.exec(path)?.[0];
  if (path === '') return 'an empty one';
  if (path.length > maxPathLength) return `${path.length} characters, of at most ${maxPathLength}`;
  if (control !== undefined)
    return `the control character ${codeOf(control)} in ${JSON.stringify(path)}`;
  if (/[\p{Cs}\ufffd]/u.test(path)) return `bytes that are not UTF-8 in '${path}'`;
  if (path.includes('\\')) return `a backslash in '${path}'`;
  if (/^[A-Za-z]:/.test(path) || path.startsWith('/')) return `the absolute path '${path}'`;
  const segments = path.split('/');
  const dots = segments.find((segment) => segment === '.' || segment === '..');
  if (dots !== undefined) return `the folder '${dots}' in '${path}'`;
  return segments.includes('') ? `an empty folder name in '${path}'` : null;
}

/**
 * As `describeBadPath`, for a path that becomes a file's on disk and part of a key of the store.
 *
 * @param maxBytes Limit for the whole path, bytes of UTF-8.
 */
export function describeBadFilePath(path: string, maxBytes: number): string | null {
  const bad = describeBadPath(path);
  if (bad !== null) return bad;
  const bytes = utf8Bytes(path);
  if (bytes > maxBytes) return `${bytes} bytes, of at most ${maxBytes}, as '${path}'`;
  const long = path.split('/').find((segment) => utf8Bytes(segment) > maxSegmentBytes);
  return long === undefined
    ? null
    : `a name of ${utf8Bytes(long)} bytes, of at most ${maxSegmentBytes}, as '${long}'`;
}

/** Length that leaves room for an id and an ending: a character takes up to 4 bytes. */
const maxFolderCharacters = 55;
const digestCharacters = 8;

/**
 * The folder of an image's results: the image's name without folders and ending, in characters that
 * every system can unpack, and its id. A name that is too long for file systems is cut, and ends in
 * part of its digest, so that two names never meet.
 */
export function resultFolder({ id, name }: { readonly id: string; readonly name: string }): string {
  const base = name.replace(/^.*[\\/]/s, '').normalize('NFC');
  const plain = base
    .replace(/\.[^.]*$/, '')
    .replaceAll(/[^\p{L}\p{M}\p{N}._-]+/gu, '_')
    .replace(/^\.+/, '');
  const characters = [...plain];
  if (characters.length <= maxFolderCharacters) return `${plain || 'image'}__${id}`;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, digestCharacters);
  const kept = characters.slice(0, maxFolderCharacters - digestCharacters - 1).join('');
  return `${kept}-${digest}__${id}`;
}

const codeOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

const utf8Bytes = (text: string): number => Buffer.byteLength(text);
