import type { Placement, Program, Stage, StageModel, StagePort } from '../plan/program.js';
import { cutWindow, type Piece, windowLength } from './crop.js';
import type { WinogradRunner } from './winograd.js';

/** A box by its row and column in the program's tables. */
export type Position = { readonly row: number; readonly column: number };

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
  /** Sees every map as it is made, when positions cover whole maps. */
  readonly keep?: (tensor: string, map: Piece) => void;
};

/** Maps of the unoccluded run, channels last, by tensor. */
export type KeptMaps = ReadonlyMap<string, Float32Array>;

/** What the last stage reads: one a port, float32 [positions, height, width, channels]. */
export type LastInputs = readonly Float32Array[];

/**
 * Run a program's segments for some positions: stage by stage, positions with windows of one size
 * together.
 *
 * @param kept Every tensor that a stage reads.
 * @param input The changed part of the network's input at each position.
 */
export async function runSegments(
  program: Program,
  positions: readonly Position[],
  kept: KeptMaps,
  input: readonly Piece[],
  options: SegmentsOptions,
): Promise<LastInputs> {
  const changed = new Map<string, readonly Piece[]>([[program.input, input]]);
  const lastReaders = lastReadersOf(program);
  for (const [index, stage] of program.stages.entries()) {
    if (stage.output === null) break;
    const pieces =
      stage.winograd === null
        ? await runDirect(stage, positions, kept, changed, options)
        : await (await options.winograd()).run(
            stage,
            stage.winograd,
            positions,
            kept,
            changed,
            options.check,
          );
    changed.set(stage.output, pieces);
    if (pieces[0] !== undefined) options.keep?.(stage.output, pieces[0]);
    for (const [tensor, last] of lastReaders) if (last === index) changed.delete(tensor);
  }
  const last = lastStageOf(program);
  const members = [...positions.keys()];
  return last.ports.map((_, at) => cutWindows(last, at, positions, members, kept, changed));
}

/**
 * Run the rest of the network, on whole maps.
 *
 * @returns float32 [positions, classes]
 */
export async function runLast(
  program: Program,
  inputs: LastInputs,
  { windowBytes, runStage, check }: RunOptions,
): Promise<Float32Array> {
  const { ports, models } = lastStageOf(program);
  const model = models[0]?.[0];
  if (model === undefined) throw new Error('Expected a model of the last stage');
  const lengths = ports.map(({ height, width, channels }) => height * width * channels);
  const positions = (inputs[0]?.length ?? 0) / (lengths[0] ?? 1);
  const bytes = 4 * lengths.reduce((sum, length) => sum + length, 0);
  const size = batchSize(positions, windowBytes / bytes);
  let rows: Float32Array = new Float32Array(0);
  for (let start = 0; start < positions; start += size) {
    check();
    const count = Math.min(size, positions - start);
    // One row alone is multiplied by another routine, with other rounding, than several.
    const windows = Math.max(2, count);
    const batch = ports.map(({ height, width, channels }, at): StageInput => {
      const length = lengths[at] ?? 0;
      const given = (inputs[at] ?? rows).subarray(start * length, (start + count) * length);
      const data = windows === count ? given : new Float32Array(windows * length);
      if (data !== given) data.set(given);
      return { data, shape: [windows, height, width, channels] };
    });
    const output = await runStage(model, ports, batch);
    const classes = output.length / windows;
    if (rows.length === 0) rows = new Float32Array(positions * classes);
    rows.set(output.subarray(0, count * classes), start * classes);
  }
  return rows;
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
  positions: readonly Position[],
  kept: KeptMaps,
  changed: Changed,
  options: SegmentsOptions,
): Promise<readonly Piece[]> {
  const pieces: Piece[] = new Array(positions.length);
  for (const batch of batchesOf(stage, positions, options.windowBytes)) {
    options.check();
    const run = await runBatch(stage, positions, batch, kept, changed, options.runStage);
    for (const [at, position] of batch.members.entries()) pieces[position] = run.piece(at);
  }
  return pieces;
}

type Changed = ReadonlyMap<string, readonly Piece[]>;

type Batch = {
  readonly row: Placement;
  readonly column: Placement;
  /** Indices into the positions. */
  readonly members: readonly number[];
};

/** Positions whose windows are equal in size and pad alike, as many at once as memory allows. */
function* batchesOf(stage: Stage, positions: readonly Position[], bytes: number): Generator<Batch> {
  const groups = new Map<string, { row: Placement; column: Placement; members: number[] }>();
  for (const [index, position] of positions.entries()) {
    const row = placementAt(stage.rows, position.row);
    const column = placementAt(stage.columns, position.column);
    const key = `${row.variant},${column.variant},${lengthOf(row)},${lengthOf(column)}`;
    const group = groups.get(key) ?? { row, column, members: [] };
    group.members.push(index);
    groups.set(key, group);
  }
  for (const { row, column, members } of groups.values()) {
    const length = stage.ports.reduce(
      (sum, port, index) => sum + windowLength(port, index, row, column),
      0,
    );
    const size = batchSize(members.length, bytes / (length * 4));
    for (let start = 0; start < members.length; start += size) {
      yield { row, column, members: members.slice(start, start + size) };
    }
  }
}

/** Equal batches, of at least two: a short last one runs no faster than its share. */
const batchSize = (count: number, fitting: number): number =>
  Math.ceil(count / Math.ceil(count / Math.max(2, Math.floor(fitting))));

async function runBatch(
  stage: Stage,
  positions: readonly Position[],
  { row, column, members }: Batch,
  kept: KeptMaps,
  changed: Changed,
  runStage: RunStage,
): Promise<{ piece(at: number): Piece }> {
  const inputs = stage.ports.map(({ channels }, at): StageInput => {
    const data = cutWindows(stage, at, positions, members, kept, changed);
    const [y, x] = [row.ports[at], column.ports[at]];
    const height = (y?.end ?? 0) - (y?.start ?? 0);
    const width = (x?.end ?? 0) - (x?.start ?? 0);
    return { data, shape: [members.length, height, width, channels] };
  });
  const model = stage.models[row.variant]?.[column.variant];
  if (model === undefined) throw new Error(`Expected a model of '${stage.output}'`);
  const data = await runStage(model, stage.ports, inputs);
  const perWindow = data.length / members.length;
  return {
    piece(at) {
      const position = positions[members[at] ?? 0] ?? { row: 0, column: 0 };
      const y = placementAt(stage.rows, position.row).output;
      const x = placementAt(stage.columns, position.column).output;
      return { data, offset: at * perWindow, pitch: perWindow / (y.end - y.start), y, x };
    },
  };
}

/** One port's windows for some positions that have windows of one size. */
function cutWindows(
  stage: Stage,
  at: number,
  positions: readonly Position[],
  members: readonly number[],
  kept: KeptMaps,
  changed: Changed,
): Float32Array {
  const port = stage.ports[at];
  const map = kept.get(port?.tensor ?? '');
  const pieces = changed.get(port?.tensor ?? '');
  if (port === undefined || map === undefined || pieces === undefined)
    throw new Error(`Expected '${port?.tensor}' to be kept`);
  const placesOf = (member: number) => {
    const { row, column } = positions[member] ?? { row: 0, column: 0 };
    return { row: placementAt(stage.rows, row), column: placementAt(stage.columns, column) };
  };
  const first = placesOf(members[0] ?? 0);
  const length = windowLength(port, at, first.row, first.column);
  const data = new Float32Array(members.length * length);
  for (const [slot, member] of members.entries()) {
    const { row, column } = placesOf(member);
    const piece = pieces[member];
    const [y, x] = [row.ports[at], column.ports[at]];
    if (piece === undefined || y === undefined || x === undefined) continue;
    cutWindow(data, slot * length, port, map, piece, y, x);
  }
  return data;
}

const lengthOf = ({ output }: Placement): number => output.end - output.start;

function placementAt(placements: readonly Placement[], index: number): Placement {
  const placement = placements[index];
  if (placement === undefined)
    throw new Error(`Expected a placement ${index} of ${placements.length}`);
  return placement;
}
