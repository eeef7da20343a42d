import { at } from '@umbra/shared/assert';
import type {
  LastInputs,
  Placement,
  Position,
  Program,
  Stage,
  StageModel,
  StagePort,
} from '../types.js';
import { cutWindow, windowLength } from './crop.js';
import { type KeptMaps, type Piece, placementsOf, portMapOf, type StageWork } from './pieces.js';
import type { WinogradRunner } from './winograd.js';

/** Windows for one run of a stage's model. */
export type StageInput = { readonly data: Float32Array; readonly shape: readonly number[] };

/** Runs one of a stage's models. @param inputs One a port. @returns Its output, channels last. */
export type RunStage = (
  model: StageModel,
  ports: readonly StagePort[],
  inputs: readonly StageInput[],
) => Promise<Float32Array>;

type RunOptions = {
  /** Memory for the windows of one run, bytes. */
  readonly windowBytes: number;
  readonly runStage: RunStage;
  /** Throws to stop; called before each run. */
  readonly check: () => void;
};

export type SegmentsOptions = RunOptions & {
  /** Opened by the first stage that needs it. */
  readonly winograd: () => Promise<WinogradRunner>;
  /** Receives every map as it is made, when positions cover whole maps. */
  readonly keep?: (tensor: string, map: Piece) => void;
};

/** What a program's segments run on. */
export type SegmentsWork = {
  readonly positions: readonly Position[];
  /** Every tensor that a stage reads. */
  readonly kept: KeptMaps;
  /** The changed part of the network's input at each position. */
  readonly input: readonly Piece[];
};

/**
 * Run a program's segments for some positions: stage by stage, positions with windows of one size
 * together.
 */
export async function runSegments(
  program: Program,
  { positions, kept, input }: SegmentsWork,
  options: SegmentsOptions,
): Promise<LastInputs> {
  const changed = new Map<string, readonly Piece[]>([[program.input, input]]);
  const work: StageWork = { positions, kept, changed };
  const lastReaders = lastReadersOf(program);
  for (const [index, stage] of program.stages.entries()) {
    if (stage.output === null) break;
    const pieces =
      stage.winograd === null
        ? await runDirect(stage, work, options)
        : await (await options.winograd()).run(stage, stage.winograd, work, options.check);
    changed.set(stage.output, pieces);
    if (pieces[0] !== undefined) options.keep?.(stage.output, pieces[0]);
    for (const [tensor, last] of lastReaders) if (last === index) changed.delete(tensor);
  }
  const last = lastStageOf(program);
  const members = [...positions.keys()];
  return last.ports.map((_, port) => cutWindows(last, port, work, members));
}

/**
 * Run the rest of the network, on whole maps.
 *
 * @param inputs At least one port.
 * @returns float32 [positions, classes]
 */
export async function runLast(
  program: Program,
  inputs: LastInputs,
  { windowBytes, runStage, check }: RunOptions,
): Promise<Float32Array> {
  const { ports, models, single } = lastStageOf(program);
  const model = at(at(models, 0), 0);
  const read = ports.map(({ height, width, channels }, port) => ({
    data: at(inputs, port),
    length: height * width * channels,
    extents: [height, width, channels],
  }));
  const { data: first, length: firstLength } = at(read, 0);
  const positions = first.length / firstLength;
  const bytes = 4 * read.reduce((sum, { length }) => sum + length, 0);
  const size = single ? 1 : batchSize(positions, windowBytes / bytes);
  let outputs = new Float32Array(0);
  for (let start = 0; start < positions; start += size) {
    check();
    const count = Math.min(size, positions - start);
    // One row alone is multiplied by another routine, with other rounding, than several.
    const windows = single ? 1 : Math.max(2, count);
    const batch = read.map(({ data: whole, length, extents }): StageInput => {
      const given = whole.subarray(start * length, (start + count) * length);
      const data = windows === count ? given : new Float32Array(windows * length);
      if (data !== given) data.set(given);
      return { data, shape: [windows, ...extents] };
    });
    const output = await runStage(model, ports, batch);
    const classes = output.length / windows;
    if (outputs.length === 0) outputs = new Float32Array(positions * classes);
    outputs.set(output.subarray(0, count * classes), start * classes);
  }
  return outputs;
}

function lastStageOf({ stages }: Program): Stage {
  const stage = stages.at(-1);
  if (stage === undefined) throw new Error('Expected a program to have stages');
  return stage;
}

/** The last stage that reads each tensor: its pieces are not needed after it. */
function lastReadersOf({ stages }: Program): ReadonlyMap<string, number> {
  const last = new Map<string, number>();
  for (const [index, stage] of stages.entries()) {
    for (const { tensor } of stage.ports) last.set(tensor, index);
  }
  return last;
}

async function runDirect(
  stage: Stage,
  work: StageWork,
  options: SegmentsOptions,
): Promise<readonly Piece[]> {
  const pieces: Piece[] = new Array(work.positions.length);
  for (const batch of batchesOf(stage, work.positions, options.windowBytes)) {
    options.check();
    const made = await runBatch(stage, work, batch, options.runStage);
    for (const [nth, position] of batch.members.entries()) pieces[position] = at(made, nth);
  }
  return pieces;
}

type WindowBatch = {
  readonly y: Placement;
  readonly x: Placement;
  /** Indices into the positions. */
  readonly members: readonly number[];
};

/** Positions whose windows are equal in size and pad alike, as many at once as memory allows. */
function* batchesOf(
  stage: Stage,
  positions: readonly Position[],
  bytes: number,
): Generator<WindowBatch> {
  const groups = new Map<string, { y: Placement; x: Placement; members: number[] }>();
  for (const [index, position] of positions.entries()) {
    const { y, x } = placementsOf(stage, position);
    const key = `${y.variant},${x.variant},${lengthOf(y)},${lengthOf(x)}`;
    const group = groups.get(key) ?? { y, x, members: [] };
    group.members.push(index);
    groups.set(key, group);
  }
  for (const { y, x, members } of groups.values()) {
    const length = stage.ports.reduce(
      (sum, port, index) => sum + windowLength(port, index, { y, x }),
      0,
    );
    const size = batchSize(members.length, bytes / (length * 4));
    for (let start = 0; start < members.length; start += size) {
      yield { y, x, members: members.slice(start, start + size) };
    }
  }
}

/** Equal batches, of at least two: a short last one runs no faster than a full one. */
const batchSize = (count: number, fitting: number): number =>
  Math.ceil(count / Math.ceil(count / Math.max(2, Math.floor(fitting))));

/** @returns The stage's output for each member of the batch. */
async function runBatch(
  stage: Stage,
  work: StageWork,
  { y, x, members }: WindowBatch,
  runStage: RunStage,
): Promise<readonly Piece[]> {
  const inputs = stage.ports.map(({ channels }, port): StageInput => {
    const data = cutWindows(stage, port, work, members);
    const shape = [members.length, sizeOf(at(y.ports, port)), sizeOf(at(x.ports, port)), channels];
    return { data, shape };
  });
  const data = await runStage(at(at(stage.models, y.variant), x.variant), stage.ports, inputs);
  const perWindow = data.length / members.length;
  return members.map((member, nth): Piece => {
    const placed = placementsOf(stage, at(work.positions, member));
    const pitch = perWindow / lengthOf(placed.y);
    const ranges = { y: placed.y.output, x: placed.x.output };
    return { data, offset: nth * perWindow, pitch, ...ranges };
  });
}

/** Cut one port's windows for some positions that have windows of one size. */
function cutWindows(
  stage: Stage,
  port: number,
  work: StageWork,
  members: readonly number[],
): Float32Array {
  const map = portMapOf(stage, port, work);
  const first = placementsOf(stage, at(work.positions, at(members, 0)));
  const length = windowLength(map.port, port, first);
  const data = new Float32Array(members.length * length);
  for (const [slot, member] of members.entries()) {
    const { y, x } = placementsOf(stage, at(work.positions, member));
    const window = { y: at(y.ports, port), x: at(x.ports, port) };
    cutWindow({ data, start: slot * length }, map, at(map.pieces, member), window);
  }
  return data;
}

const sizeOf = ({ start, end }: { readonly start: number; readonly end: number }): number =>
  end - start;
const lengthOf = ({ output }: Placement): number => sizeOf(output);
