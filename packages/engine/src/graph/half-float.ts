/** The number that 16 bits stand for in IEEE 754's binary16. */
export function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * 2 ** -24 * fraction;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}

const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

/** The 16 bits of the binary16 that is nearest to a number; of two as near, the even one. */
export function toHalfFloat(value: number): number {
  single[0] = value;
  const bits = singleBits[0] as number;
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fff_ffff;
  if (size > 0x7f80_0000) return sign | 0x7e00;
  // From 65520 on, which is half a step above the largest, all is infinite.
  if (size >= 0x477f_f000) return sign | 0x7c00;
  if (size < 0x3880_0000) return sign | roundEven(Math.abs(value) * 2 ** 24);
  const rebased = size - 0x3800_0000;
  return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
}

/** Subnormal numbers are multiples of 2^-24. */
function roundEven(value: number): number {
  const low = Math.floor(value);
  const above = value - low;
  return above > 0.5 || (above === 0.5 && low % 2 === 1) ? low + 1 : low;
}
