/**
 * Characters that show nothing, or that change how others are shown: controls, directions of writing and
 * other formats (zero-width ones among them), halves of a pair, and line separators.
 */
const hidden = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** Whether a text has characters that show nothing, or that change how others are shown. */
export const hasHidden = (text: string): boolean => text.search(hidden) !== -1;

/** A text with U+FFFD for each half of a surrogate pair that lacks the other: those are no text of UTF-8. */
export const replaceHalves = (text: string): string => text.replace(/\p{Cs}/gu, '\ufffd');

/** Text on one line, as it is: its hidden characters as escapes of JSON. */
export const escapeHidden = (text: string): string =>
  text.replace(hidden, (one) =>
    one < ' ' ? JSON.stringify(one).slice(1, -1) : [...unitsOf(one)].map(escapeUnit).join(''),
  );

/** As `escapeHidden`, with its lines as they are. */
export const escapeHiddenLines = (text: string): string =>
  text.split('\n').map(escapeHidden).join('\n');

function* unitsOf(character: string): Generator<number> {
  for (let index = 0; index < character.length; index++) yield character.charCodeAt(index);
}

const escapeUnit = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;
