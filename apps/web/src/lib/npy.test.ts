import { encodeNpy } from '@umbra/engine';
import { expect, test } from 'vitest';
import { readNpy } from './npy.js';

const bufferOf = (bytes: Buffer): ArrayBuffer => new Uint8Array(bytes).buffer;

test('float32 numbers are those that the engine wrote', () => {
  const data = Float32Array.from([0.1, -2.5, 1e-9, Number.NaN, 0, 7]);
  expect(readNpy(bufferOf(encodeNpy(data, [2, 3])))).toEqual({ data, shape: [2, 3] });
});

test('int32 numbers and a single extent, too', () => {
  const data = Int32Array.from([-2, -1, 999]);
  expect(readNpy(bufferOf(encodeNpy(data, [3])))).toEqual({ data, shape: [3] });
});

test('what is cut off, of another type or no array is refused', () => {
  const whole = encodeNpy(Float32Array.of(1, 2), [2]);
  expect(() => readNpy(bufferOf(whole.subarray(0, -1)))).toThrow('Expected 2 numbers');
  const doubles = Buffer.from(whole.toString('latin1').replace('<f4', '<f8'), 'latin1');
  expect(() => readNpy(bufferOf(doubles))).toThrow('Expected float32 or int32');
  expect(() => readNpy(bufferOf(Buffer.from('{"code": "not_found"}')))).toThrow('a NumPy file');
});
