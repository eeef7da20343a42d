import { readFile } from 'node:fs/promises';

/** The little of WebAssembly's interface that is used: Node has it, its types do not. */
declare const WebAssembly: {
  readonly Memory: new (descriptor: { initial: number }) => WasmMemory;
  instantiate(
    bytes: Uint8Array,
    imports: { readonly env: { readonly memory: WasmMemory } },
  ): Promise<{ readonly instance: { readonly exports: unknown } }>;
};
type WasmMemory = { readonly buffer: ArrayBuffer; grow(pages: number): number };

/** The transforms of `assembly/winograd.ts`, whose arguments are numbers alone. */
type Transforms = {
  transformInput(
    source: number,
    channels: number,
    tilesY: number,
    tilesX: number,
    target: number,
    rows: number,
    row: number,
  ): void;
  transformOutput(
    source: number,
    rows: number,
    row: number,
    channels: number,
    height: number,
    width: number,
    bias: number,
    other: number,
    low: number,
    high: number,
    target: number,
  ): void;
};

export type WinogradKernel = Transforms & {
  /**
   * Lay out areas of float32 one after another; earlier contents are lost.
   *
   * @param lengths Numbers in each area.
   */
  areas(lengths: readonly number[]): readonly Area[];
};

/** Memory that transforms read and write. */
export type Area = { readonly pointer: number; readonly data: Float32Array };

const pageBytes = 65_536;

/** Load the transforms, with memory of their own. */
export async function loadWinograd(): Promise<WinogradKernel> {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const bytes = await readFile(new URL('../../assembly/winograd.wasm', import.meta.url));
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  return {
    ...(instance.exports as unknown as Transforms),
    areas(lengths) {
      const bytesNeeded = lengths.reduce((sum, length) => sum + aligned(length * 4), pageBytes);
      const missing = bytesNeeded - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / pageBytes));
      let pointer = 64;
      return lengths.map((length) => {
        const area = { pointer, data: new Float32Array(memory.buffer, pointer, length) };
        pointer += aligned(length * 4);
        return area;
      });
    },
  };
}

const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/**
 * Transform 3x3 kernels for the products.
 *
 * @param weights float32 [outputs, inputs, 3, 3]
 * @returns float32 [16, inputs, outputs]
 */
export function transformWeights(
  weights: Float32Array,
  outputs: number,
  inputs: number,
): Float32Array {
  const transformed = new Float32Array(16 * inputs * outputs);
  const plane = inputs * outputs;
  // Rows of the kernel first, then columns. Hot, for millions of kernels: plain numbers, and indices that
  // lie inside the arrays by construction.
  const half = new Float64Array(12);
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) {
      const at = (output * inputs + input) * 9;
      for (let column = 0; column < 3; column++) {
        const g0 = weights[at + column] as number;
        const g1 = weights[at + 3 + column] as number;
        const g2 = weights[at + 6 + column] as number;
        half[column] = g0;
        half[3 + column] = (g0 + g1 + g2) / 2;
        half[6 + column] = (g0 - g1 + g2) / 2;
        half[9 + column] = g2;
      }
      let place = input * outputs + output;
      for (let row = 0; row < 12; row += 3) {
        const h0 = half[row] as number;
        const h1 = half[row + 1] as number;
        const h2 = half[row + 2] as number;
        transformed[place] = h0;
        transformed[place + plane] = (h0 + h1 + h2) / 2;
        transformed[place + 2 * plane] = (h0 - h1 + h2) / 2;
        transformed[place + 3 * plane] = h2;
        place += 4 * plane;
      }
    }
  }
  return transformed;
}
