/** Memory of arrays, for a message to hand over instead of copying it. */
export const buffersOf = (arrays: readonly Float32Array[]): ArrayBuffer[] =>
  arrays.flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : []));
