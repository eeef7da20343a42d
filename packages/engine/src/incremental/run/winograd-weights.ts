import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { at } from '@umbra/shared/assert';
import { transformWeights } from '../../kernels/winograd.js';
import type { WeightSource, WinogradStage } from '../types.js';

/** A convolution's numbers as its products take them. */
export type WinogradWeights = {
  readonly inputs: number;
  readonly outputs: number;
  /** float32 [16, inputs, outputs] */
  readonly products: Float32Array;
  /** float32 [outputs] */
  readonly bias: Float32Array;
};

/** Read and transform a convolution's weights. @param folder The bundle's. */
export async function loadWinogradWeights(
  folder: string,
  { weight, bias }: WinogradStage,
): Promise<WinogradWeights> {
  const [outputs, inputs] = [at(weight.shape, 0), at(weight.shape, 1)];
  const kernels = await readFloats(folder, weight);
  return {
    inputs,
    outputs,
    products: transformWeights(kernels, outputs, inputs),
    bias: bias === null ? new Float32Array(outputs) : await readFloats(folder, bias),
  };
}

async function readFloats(
  folder: string,
  { name, file, proto }: WeightSource,
): Promise<Float32Array> {
  if (file === null) {
    const { rawData } = proto;
    if (rawData === undefined) throw new Error(`Expected raw data of '${name}'`);
    return floatsOf(Uint8Array.from(rawData));
  }
  const handle = await open(join(folder, file.path));
  try {
    const bytes = new Uint8Array(file.bytes);
    const { bytesRead } = await handle.read(bytes, 0, file.bytes, file.offset);
    if (bytesRead < file.bytes)
      throw new Error(`Expected ${file.bytes} bytes of '${name}', got ${bytesRead}`);
    return floatsOf(bytes);
  } finally {
    await handle.close();
  }
}

const floatsOf = (bytes: Uint8Array): Float32Array =>
  new Float32Array(bytes.buffer, 0, bytes.length / 4);
