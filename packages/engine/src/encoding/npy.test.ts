import { describe, expect, test } from 'vitest';
import { decodeFloats, decodeInts, encodeFloats, encodeInts, encodeNpy } from './npy.js';

describe('a NumPy file', () => {
  test('has the header that NumPy writes', () => {
    const bytes = encodeNpy(Float32Array.of(1, 2.5, -3, 0, 0, 4), [2, 3]);
    expect(bytes.subarray(0, 8).toString('latin1')).toBe('\u0093NUMPY\u0001\u0000');
    const length = bytes.readUInt16LE(8);
    expect((10 + length) % 64).toBe(0);
    const header = bytes.subarray(10, 10 + length).toString('latin1');
    expect(header.trimEnd()).toBe("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
    expect(header.endsWith('\n')).toBe(true);
    expect([...decodeFloats(bytes.subarray(10 + length))]).toEqual([1, 2.5, -3, 0, 0, 4]);
  });

  test('keeps the type of integers', () => {
    const values = Int32Array.of(-1, 999, 2 ** 31 - 1);
    expect(encodeNpy(values, [3]).toString('latin1')).toContain("'descr': '<i4'");
    expect(decodeInts(encodeInts(values))).toEqual(values);
  });

  test('decodes to the floats that were encoded', () => {
    const values = Float32Array.of(0, -0, 1e-45, 3.4e38, Number.NaN, 1 / 3);
    expect(Object.is(decodeFloats(encodeFloats(values))[1], -0)).toBe(true);
    expect([...decodeFloats(encodeFloats(values))]).toEqual([...values]);
  });
});
