import { at } from '@umbra/shared/assert';
import { InferenceSession, Tensor } from '../../backends/onnxruntime-library.js';
import { encodeModel, onnxType, type ValueProto } from '../../graph/onnx-proto.js';
import { type Area, loadWinograd, type WinogradKernel } from '../../kernels/winograd.js';
import type { Placement, Position, Stage, WinogradStage } from '../types.js';
import { cutWindow, type MapWindow } from './crop.js';
import { type Piece, placementsOf, portMapOf, type StageWork } from './pieces.js';
import { loadWinogradWeights, type WinogradWeights } from './winograd-weights.js';

/** Some rows of tiles of one position. */
type TileBand = {
  /** Index of the position. */
  readonly index: number;
  readonly y: Placement;
  readonly x: Placement;
  /** First row of the output, from the top of the position's window. */
  readonly top: number;
  readonly height: number;
  readonly width: number;
  readonly tiles: number;
};

export type WinogradRunner = {
  /** @param check Throws to stop. @returns The stage's output at each position. */
  run(
    stage: Stage,
    winograd: WinogradStage,
    work: StageWork,
    check: () => void,
  ): Promise<readonly Piece[]>;
  close(): Promise<void>;
};

/**
 * Tiles in one product, as a multiple of its inputs: enough that reading the kernels costs little,
 * few enough that the tiles of a shallow layer stay in the processor's cache.
 */
const tilesPerInput = 1;
const minTiles = 64;
/** One row alone would be multiplied by another routine, with other rounding. */
const minRows = 8;

/**
 * Run 3x3 convolutions as products of transformed tiles.
 *
 * Tiles of windows of any size go into the same products, so positions need not be sorted by size.
 *
 * @param folder The bundle's, where weights lie.
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
  /** One a convolution of the network. */
  const loading = new Map<string, Promise<WinogradWeights>>();
  return {
    async run(stage, winograd, work, check) {
      const { name } = winograd.weight;
      const known = loading.get(name) ?? loadWinogradWeights(folder, winograd);
      loading.set(name, known);
      const weights = await known;
      const capacity = Math.max(minTiles, tilesPerInput * weights.inputs);
      const pieces = work.positions.map((one) => emptyPiece(stage, one, weights.outputs));
      const run: WinogradRun = { kernel, product, stage, winograd, weights, work, pieces };
      for (const bands of bandsOf(stage, work.positions, capacity)) {
        check();
        await runBands(run, bands);
      }
      return pieces;
    },
    close: () => product.release(),
  };
}

/** One stage on one set of positions. */
type WinogradRun = {
  readonly kernel: WinogradKernel;
  readonly product: InferenceSession;
  readonly stage: Stage;
  readonly winograd: WinogradStage;
  readonly weights: WinogradWeights;
  readonly work: StageWork;
  /** The stage's output at each position, to be written. */
  readonly pieces: readonly Piece[];
};

async function runBands(run: WinogradRun, bands: readonly TileBand[]): Promise<void> {
  const { kernel, product, weights } = run;
  const { inputs, outputs } = weights;
  const tileCount = bands.reduce((sum, band) => sum + band.tiles, 0);
  const rows = Math.max(minRows, tileCount);
  const largest = Math.max(...bands.map(windowSize));
  const lengths = [largest * inputs, largest * outputs, largest * outputs, outputs];
  const [source, other, result, bias, tiles, products] = kernel.areas([
    ...lengths,
    16 * rows * inputs,
    16 * rows * outputs,
  ]) as [Area, Area, Area, Area, Area, Area];
  bias.data.set(weights.bias);
  let row = 0;
  for (const band of bands) {
    cutBand(run, band, source.data);
    const [tilesY, tilesX] = tilesOf(band);
    kernel.transformInput(source.pointer, inputs, tilesY, tilesX, tiles.pointer, rows, row);
    row += band.tiles;
  }
  const feeds = {
    tiles: new Tensor('float32', tiles.data, [16, rows, inputs]),
    kernels: new Tensor('float32', weights.products, [16, inputs, outputs]),
  };
  await product.run(feeds, { products: new Tensor('float32', products.data, [16, rows, outputs]) });
  writeBands(run, bands, { products, rows, other, result, bias });
}

type BandAreas = {
  readonly products: Area;
  /** Rows of each of the sixteen products. */
  readonly rows: number;
  readonly other: Area;
  readonly result: Area;
  readonly bias: Area;
};

/** Transform products back, and write them to their positions' pieces. */
function writeBands(
  run: WinogradRun,
  bands: readonly TileBand[],
  { products, rows, other, result, bias }: BandAreas,
): void {
  const { kernel, winograd, pieces } = run;
  const { outputs } = run.weights;
  let row = 0;
  for (const band of bands) {
    const { height, width, top, index } = band;
    const added = winograd.other === null ? 0 : other.pointer;
    if (winograd.other !== null) cutOther(run, band, winograd.other, other.data);
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
    at(pieces, index).data.set(result.data.subarray(0, length), top * width * outputs);
    row += band.tiles;
  }
}

const tilesOf = ({ height, width }: TileBand): [number, number] => [
  Math.ceil(height / 2),
  Math.ceil(width / 2),
];

const windowSize = (band: TileBand): number => {
  const [tilesY, tilesX] = tilesOf(band);
  return (2 * tilesY + 2) * (2 * tilesX + 2);
};

/** Cut what a band's tiles read of the convolution's input, which is the port that is padded. */
function cutBand(run: WinogradRun, band: TileBand, target: Float32Array): void {
  const { stage, winograd } = run;
  const port = stage.ports.findIndex(({ padValue }) => padValue !== null);
  const [tilesY, tilesX] = tilesOf(band);
  const top = band.y.output.start + band.top - winograd.padBegin.y;
  const left = band.x.output.start - winograd.padBegin.x;
  cut(run, { port, index: band.index }, target, {
    y: { start: top, end: top + 2 * tilesY + 2 },
    x: { start: left, end: left + 2 * tilesX + 2 },
  });
}

/** Cut what is added to a band's result. */
function cutOther(run: WinogradRun, band: TileBand, port: number, target: Float32Array): void {
  const top = band.y.output.start + band.top;
  const left = band.x.output.start;
  cut(run, { port, index: band.index }, target, {
    y: { start: top, end: top + band.height },
    x: { start: left, end: left + band.width },
  });
}

function cut(
  { stage, work }: WinogradRun,
  { port, index }: { readonly port: number; readonly index: number },
  data: Float32Array,
  window: MapWindow,
): void {
  const map = portMapOf(stage, port, work);
  cutWindow({ data, start: 0 }, map, at(map.pieces, index), window);
}

/** Bands of positions, as many tiles at once as fit. */
function* bandsOf(
  stage: Stage,
  positions: readonly Position[],
  capacity: number,
): Generator<readonly TileBand[]> {
  let batch: TileBand[] = [];
  let tiles = 0;
  for (const [index, position] of positions.entries()) {
    const { y, x } = placementsOf(stage, position);
    const height = y.output.end - y.output.start;
    const width = x.output.end - x.output.start;
    const across = Math.ceil(width / 2);
    const maxHeight = 2 * Math.max(1, Math.floor(capacity / across));
    for (let top = 0; top < height; top += maxHeight) {
      const part = Math.min(maxHeight, height - top);
      const count = Math.ceil(part / 2) * across;
      if (batch.length > 0 && tiles + count > capacity) {
        yield batch;
        batch = [];
        tiles = 0;
      }
      batch.push({ index, y, x, top, height: part, width, tiles: count });
      tiles += count;
    }
  }
  if (batch.length > 0) yield batch;
}

function emptyPiece(stage: Stage, position: Position, channels: number): Piece {
  const placed = placementsOf(stage, position);
  const [y, x] = [placed.y.output, placed.x.output];
  const pitch = (x.end - x.start) * channels;
  return { data: new Float32Array((y.end - y.start) * pitch), offset: 0, pitch, y, x };
}

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
