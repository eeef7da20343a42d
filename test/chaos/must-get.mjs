/**
 * @template T
 * @param {T | null | undefined} value
 * @param {string} what
 * @returns {T}
 */
export function mustGet(value, what) {
  if (value === null || value === undefined) throw new Error(`Expected ${what}, got none`);
  return value;
}
