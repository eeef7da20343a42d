import type { Placement, Program, Stage, StageModel, StagePort } from './program.js';
import type { WinogradRunner } from './run-winograd.js';
import { cutWindow, type Piece, windowLength } from './windows.js';

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

export type ExecuteOptions = {
  /** Memory for the windows of one run, bytes. */
  readonly windowBytes: number;
  /** The same for the last stage: it may read weights of hundreds of megabytes in each run. */
  readonly lastBytes: number;
  readonly runStage: RunStage;
  readonly winograd: WinogradRunner;
  /** Throws to stop; called before each run. */
  readonly check: () => void;
  /** Sees every map as it is made, when positions cover whole maps. */
  readonly keep?: (tensor: string, map: Piece) => void;
};

/** Maps of the unoccluded run, channels last, by tensor. */
export type KeptMaps = ReadonlyMap<string, Float32Array>;

/**
 * Run a program for some positions: stage by stage, positions with windows of one size together.
 *
 * @param kept Every tensor that a stage reads.
 * @param input The changed part of the network's input at each position.
 * @returns float32 [positions, classes]
 */
export async function execute(
  program: Program,
  positions: readonly Position[],
  kept: KeptMaps,
  input: readonly Piece[],
  options: ExecuteOptions,
): Promise<Float32Array> {
  const changed = new Map<string, readonly Piece[]>([[program.input, input]]);
  let rows: Float32Array = new Float32Array(0);
  const lastReaders = lastReadersOf(program);
  for (const [index, stage] of program.stages.entries()) {
    if (stage.output === null) {
      rows = await runLast(stage, positions, kept, changed, options);
      continue;
    }
    const pieces =
      stage.winograd === null
        ? await runDirect(stage, positions, kept, changed, options)
        : await options.winograd.run(
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
  return rows;
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
  options: ExecuteOptions,
): Promise<readonly Piece[]> {
  const pieces: Piece[] = new Array(positions.length);
  for (const batch of batchesOf(stage, positions, options.windowBytes)) {
    options.check();
    const run = await runBatch(stage, positions, batch, kept, changed, options.runStage);
    for (const [at, position] of batch.members.entries()) pieces[position] = run.piece(at);
  }
  return pieces;
}

/** The rest of the network, on whole maps. @returns float32 [positions, classes] */
async function runLast(
  stage: Stage,
  positions: readonly Position[],
  kept: KeptMaps,
  changed: Changed,
  options: ExecuteOptions,
): Promise<Float32Array> {
  let rows: Float32Array = new Float32Array(0);
  for (const batch of batchesOf(stage, positions, options.lastBytes)) {
    options.check();
    const { data, windows } = await runBatch(
      stage,
      positions,
      batch,
      kept,
      changed,
      options.runStage,
    );
    const classes = data.length / windows;
    if (rows.length === 0) rows = new Float32Array(positions.length * classes);
    for (const [at, position] of batch.members.entries()) {
      rows.set(data.subarray(at * classes, (at + 1) * classes), position * classes);
    }
  }
  return rows;
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
    const fitting = Math.max(2, Math.floor(bytes / (length * 4)));
    // Equal batches: a short last one runs no faster than its share.
    const size = Math.ceil(members.length / Math.ceil(members.length / fitting));
    for (let start = 0; start < members.length; start += size) {
      yield { row, column, members: members.slice(start, start + size) };
    }
  }
}

async function runBatch(
  stage: Stage,
  positions: readonly Position[],
  { row, column, members }: Batch,
  kept: KeptMaps,
  changed: Changed,
  runStage: RunStage,
): Promise<{ data: Float32Array; windows: number; piece(at: number): Piece }> {
  // One row alone is multiplied by another routine, with other rounding, than several.
  const windows = stage.output === null ? Math.max(2, members.length) : members.length;
  const inputs = stage.ports.map((port, at): StageInput => {
    const length = windowLength(port, at, row, column);
    const data = new Float32Array(windows * length);
    const map = kept.get(port.tensor);
    const pieces = changed.get(port.tensor);
    if (map === undefined || pieces === undefined)
      throw new Error(`Expected '${port.tensor}' to be kept`);
    for (const [slot, member] of members.entries()) {
      const position = positions[member];
      const piece = pieces[member];
      if (position === undefined || piece === undefined) continue;
      const y = placementAt(stage.rows, position.row).ports[at];
      const x = placementAt(stage.columns, position.column).ports[at];
      if (y !== undefined && x !== undefined)
        cutWindow(data, slot * length, port, map, piece, y, x);
    }
    const [y, x] = [row.ports[at], column.ports[at]];
    const height = (y?.end ?? 0) - (y?.start ?? 0);
    const width = (x?.end ?? 0) - (x?.start ?? 0);
    return { data, shape: [windows, height, width, port.channels] };
  });
  const model = stage.models[row.variant]?.[column.variant];
  if (model === undefined) throw new Error(`Expected a model of '${stage.output}'`);
  const data = await runStage(model, stage.ports, inputs);
  const perWindow = data.length / windows;
  return {
    data,
    windows,
    piece(at) {
      const position = positions[members[at] ?? 0] ?? { row: 0, column: 0 };
      const y = placementAt(stage.rows, position.row).output;
      const x = placementAt(stage.columns, position.column).output;
      return { data, offset: at * perWindow, pitch: perWindow / (y.end - y.start), y, x };
    },
  };
}

const lengthOf = ({ output }: Placement): number => output.end - output.start;

function placementAt(placements: readonly Placement[], index: number): Placement {
  const placement = placements[index];
  if (placement === undefined)
    throw new Error(`Expected a placement ${index} of ${placements.length}`);
  return placement;
}
