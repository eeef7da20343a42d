import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { encodeModel, onnxType, type ValueProto } from '../../graph/onnx-proto.js';
import {
  type Area,
  loadWinograd,
  transformWeights,
  type WinogradKernel,
} from '../../kernels/winograd.js';
import type { Placement, Stage } from '../plan/program.js';
import type { Constant, Winograd } from '../plan/winograd-stage.js';
import { cutWindow, type Piece } from './crop.js';
import type { KeptMaps, Position } from './execute.js';

/** Some rows of tiles of one position. */
type Band = {
  readonly index: number;
  readonly row: Placement;
  readonly column: Placement;
  /** First row of the output, from the top of the position's window. */
  readonly top: number;
  readonly height: number;
  readonly width: number;
  readonly tiles: number;
};

export type WinogradRunner = {
  /** @returns The stage's output at each position. */
  run(
    stage: Stage,
    winograd: Winograd,
    positions: readonly Position[],
    kept: KeptMaps,
    changed: ReadonlyMap<string, readonly Piece[]>,
    check: () => void,
  ): Promise<readonly Piece[]>;
  close(): Promise<void>;
};

/**
 * Tiles in one product, as a multiple of its inputs: enough that reading the kernels costs little,
 * few enough that the tiles of a shallow layer stay in the processor's cache.
 */
const tilesPerInput = 1;
const fewestTiles = 64;
/** One row alone would be multiplied by another routine, with other rounding. */
const fewestRows = 8;

/**
 * Runs 3x3 convolutions as products of transformed tiles.
 *
 * Tiles of windows of any size go into the same products, so positions need not be sorted by size.
 *
 * @param folder Of the bundle, where weights lie.
 */
export async function openWinograd(folder: string): Promise<WinogradRunner> {
  const kernel = await loadWinograd();
  const product = await InferenceSession.create(productModel(), {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    enableMemPattern: false,
    logSeverityLevel: 3,
  });
  const weights = new Map<string, Promise<Loaded>>();
  return {
    async run(stage, winograd, positions, kept, changed, check) {
      const { name } = winograd.weight;
      const loading = weights.get(name) ?? loadWeights(folder, winograd);
      weights.set(name, loading);
      const loaded = await loading;
      const [outputs = 0, inputs = 0] = winograd.weight.shape;
      const capacity = Math.max(fewestTiles, tilesPerInput * inputs);
      const pieces = positions.map((position) => emptyPiece(stage, position, outputs));
      const context = { kernel, product, stage, winograd, loaded, kept, changed, pieces };
      for (const batch of batchesOf(stage, positions, capacity)) {
        check();
        await runBatch(context, batch, inputs, outputs);
      }
      return pieces;
    },
    close: () => product.release(),
  };
}

type Loaded = { readonly products: Float32Array; readonly bias: Float32Array };
type Context = {
  readonly kernel: WinogradKernel;
  readonly product: InferenceSession;
  readonly stage: Stage;
  readonly winograd: Winograd;
  readonly loaded: Loaded;
  readonly kept: KeptMaps;
  readonly changed: ReadonlyMap<string, readonly Piece[]>;
  readonly pieces: readonly Piece[];
};

async function runBatch(
  context: Context,
  bands: readonly Band[],
  inputs: number,
  outputs: number,
): Promise<void> {
  const { kernel, product, winograd, loaded, pieces } = context;
  const rows = Math.max(
    fewestRows,
    bands.reduce((sum, { tiles }) => sum + tiles, 0),
  );
  const largest = Math.max(...bands.map(windowSize));
  const lengths = [largest * inputs, largest * outputs, largest * outputs, outputs];
  const [source, other, result, bias, tiles, products] = kernel.areas([
    ...lengths,
    16 * rows * inputs,
    16 * rows * outputs,
  ]) as [Area, Area, Area, Area, Area, Area];
  bias.data.set(loaded.bias);
  let row = 0;
  for (const band of bands) {
    cutBand(context, band, source.data);
    const [tilesY, tilesX] = tilesOf(band);
    kernel.transformInput(source.pointer, inputs, tilesY, tilesX, tiles.pointer, rows, row);
    row += band.tiles;
  }
  const feeds = {
    tiles: new Tensor('float32', tiles.data, [16, rows, inputs]),
    kernels: new Tensor('float32', loaded.products, [16, inputs, outputs]),
  };
  await product.run(feeds, { products: new Tensor('float32', products.data, [16, rows, outputs]) });
  row = 0;
  for (const band of bands) {
    const { height, width, top, index } = band;
    const added = winograd.other === null ? 0 : other.pointer;
    if (winograd.other !== null) cutOther(context, band, winograd.other, other.data);
    kernel.transformOutput(
      products.pointer,
      rows,
      row,
      outputs,
      height,
      width,
      bias.pointer,
      added,
      winograd.low,
      winograd.high,
      result.pointer,
    );
    const length = height * width * outputs;
    pieces[index]?.data.set(result.data.subarray(0, length), top * width * outputs);
    row += band.tiles;
  }
}

const tilesOf = ({ height, width }: Band): [number, number] => [
  Math.ceil(height / 2),
  Math.ceil(width / 2),
];

const windowSize = (band: Band): number => {
  const [tilesY, tilesX] = tilesOf(band);
  return (2 * tilesY + 2) * (2 * tilesX + 2);
};

function cutBand(
  { stage, winograd, kept, changed }: Context,
  band: Band,
  target: Float32Array,
): void {
  const at = stage.ports.findIndex(({ padValue }) => padValue !== null);
  const [tilesY, tilesX] = tilesOf(band);
  const top = band.row.output.start + band.top - winograd.padBegin.y;
  const left = band.column.output.start - winograd.padBegin.x;
  cut(
    stage,
    at,
    kept,
    changed,
    band,
    target,
    [top, top + 2 * tilesY + 2],
    [left, left + 2 * tilesX + 2],
  );
}

function cutOther(
  { stage, kept, changed }: Context,
  band: Band,
  port: number,
  target: Float32Array,
): void {
  const top = band.row.output.start + band.top;
  const left = band.column.output.start;
  cut(
    stage,
    port,
    kept,
    changed,
    band,
    target,
    [top, top + band.height],
    [left, left + band.width],
  );
}

function cut(
  stage: Stage,
  at: number,
  kept: KeptMaps,
  changed: ReadonlyMap<string, readonly Piece[]>,
  { index }: Band,
  target: Float32Array,
  [top, bottom]: readonly [number, number],
  [left, right]: readonly [number, number],
): void {
  const port = stage.ports[at];
  const map = port && kept.get(port.tensor);
  const piece = port && changed.get(port.tensor)?.[index];
  if (port === undefined || map === undefined || piece === undefined) {
    throw new Error(`Expected port ${at} to be kept`);
  }
  cutWindow(target, 0, port, map, piece, { start: top, end: bottom }, { start: left, end: right });
}

/** Bands of positions, as many tiles at once as fit. */
function* batchesOf(
  stage: Stage,
  positions: readonly Position[],
  capacity: number,
): Generator<readonly Band[]> {
  let batch: Band[] = [];
  let tiles = 0;
  for (const [index, position] of positions.entries()) {
    const row = stage.rows[position.row];
    const column = stage.columns[position.column];
    if (row === undefined || column === undefined)
      throw new Error(`Expected a placement of ${index}`);
    const height = row.output.end - row.output.start;
    const width = column.output.end - column.output.start;
    const across = Math.ceil(width / 2);
    const tallest = 2 * Math.max(1, Math.floor(capacity / across));
    for (let top = 0; top < height; top += tallest) {
      const part = Math.min(tallest, height - top);
      const count = Math.ceil(part / 2) * across;
      if (batch.length > 0 && tiles + count > capacity) {
        yield batch;
        batch = [];
        tiles = 0;
      }
      batch.push({ index, row, column, top, height: part, width, tiles: count });
      tiles += count;
    }
  }
  if (batch.length > 0) yield batch;
}

function emptyPiece(stage: Stage, position: Position, channels: number): Piece {
  const y = stage.rows[position.row]?.output ?? { start: 0, end: 0 };
  const x = stage.columns[position.column]?.output ?? { start: 0, end: 0 };
  const pitch = (x.end - x.start) * channels;
  return { data: new Float32Array((y.end - y.start) * pitch), offset: 0, pitch, y, x };
}

async function loadWeights(folder: string, { weight, bias }: Winograd): Promise<Loaded> {
  const [outputs = 0, inputs = 0] = weight.shape;
  const kernels = await readFloats(folder, weight);
  return {
    products: transformWeights(kernels, outputs, inputs),
    bias: bias === null ? new Float32Array(outputs) : await readFloats(folder, bias),
  };
}

async function readFloats(folder: string, { name, file, proto }: Constant): Promise<Float32Array> {
  if (file === null) return floatsOf(Uint8Array.from(proto.rawData ?? []));
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

function productModel(): Uint8Array {
  const describe = (name: string, extents: readonly string[]): ValueProto => ({
    name,
    type: {
      tensorType: {
        elemType: onnxType.float,
        shape: { dim: extents.map((dimParam) => ({ dimParam })) },
      },
    },
  });
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'products',
      node: [{ opType: 'MatMul', input: ['tiles', 'kernels'], output: ['products'] }],
      initializer: [],
      input: [describe('tiles', ['p', 't', 'c']), describe('kernels', ['p', 'c', 'k'])],
      output: [describe('products', ['p', 't', 'k'])],
    },
  });
}
