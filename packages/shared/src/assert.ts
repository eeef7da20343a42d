/**
 * The element at an index that is known to be one.
 *
 * @throws {RangeError} If it is not: a wrong index must not turn into a plausible number.
 */
export function at<T>(
  values: { readonly length: number; readonly [index: number]: T },
  index: number,
): T {
  const value = values[index];
  if (value !== undefined) return value;
  throw new RangeError(`Expected an index below ${values.length}, got ${index}`);
}

/** The value of a key that is known to be there. @throws {RangeError} If it is not. */
export function mustGet<K, V>(map: { get(key: K): V | undefined }, key: K): V {
  const value = map.get(key);
  if (value !== undefined) return value;
  throw new RangeError(`Expected a value for '${String(key)}'`);
}
