import type { Box } from '@umbra/shared/occlusion/grid';
import type { TensorShape } from '../graph/graph.js';
import type { ShapeProbe } from '../graph/infer-graph.js';
import type { Weight } from '../graph/onnx-model.js';
import type { Range } from '../graph/window.js';

// What the main thread makes and an inference thread runs: messages carry these, so they are plain data.

/** A tensor that a segment reads. */
export type Port = {
  readonly name: string;
  readonly tensor: string;
  /**
   * Value outside the map, where the window is cut with its padding; the only reader then pads no
   * more. Null: the window stays inside the map, and its readers pad for themselves.
   */
  readonly padValue: number | null;
};

/** A port of a stage with the extents of the map that it reads. */
export type StagePort = Port & {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
};

/** Windows of one row (or column) of positions. */
export type Placement = {
  /** Index of the stage's model, along this axis. */
  readonly variant: number;
  readonly output: Range;
  /** One range a port. */
  readonly ports: readonly Range[];
};

/** Numbers of a convolution, and the file where they lie. */
export type WeightSource = Pick<Weight, 'name' | 'shape' | 'file' | 'proto'>;

/** A 3x3 convolution of stride 1 with what follows it, to be run by Winograd's method. */
export type WinogradStage = {
  /** [outputs, inputs, 3, 3] */
  readonly weight: WeightSource;
  readonly bias: WeightSource | null;
  /** Port of a map that is added to the result. */
  readonly other: number | null;
  /** The result is held between these. */
  readonly low: number;
  readonly high: number;
  readonly padBegin: { readonly y: number; readonly x: number };
};

/** An ONNX file and a name that tells it from all others of the network. */
export type StageModel = { readonly key: string; readonly bytes: Uint8Array };

/** A segment ready to run: its models, and the windows of every row and column of positions. */
export type Stage = {
  readonly ports: readonly StagePort[];
  /** Whether its model holds for one position a run. */
  readonly single: boolean;
  /** The tensor that it computes; null for the last stage, which gives the network's outputs. */
  readonly output: string | null;
  /** One a distinct vertical range of boxes, and at the end the whole map. */
  readonly rows: readonly Placement[];
  readonly columns: readonly Placement[];
  /** Models by vertical, then horizontal variant; none where Winograd's method runs the stage. */
  readonly models: readonly (readonly StageModel[])[];
  readonly winograd: WinogradStage | null;
};

/** What threads run to score boxes incrementally. */
export type Program = {
  readonly input: string;
  /** Extents of the network's input: one map with channels last. */
  readonly inputShape: Pick<StagePort, 'height' | 'width' | 'channels'>;
  readonly stages: readonly Stage[];
};

/** Name of the output of each stage's model. */
export const stageOutput = 'umbra:output';

/** A box by its row and column in the program's tables. */
export type Position = { readonly row: number; readonly column: number };

/** What a thread needs to run a program on one image. */
type ProgramTask = {
  readonly program: Program;
  /** Folder of its weights. */
  readonly folder: string;
  /** The unoccluded input, float32 with channels last. */
  readonly original: SharedArrayBuffer;
  /** int32 [1]: not 0 once the run is to stop. */
  readonly stop: SharedArrayBuffer;
  /** Memory for what a thread holds at once, bytes. */
  readonly threadBytes: number;
};

export type BaselineTask = ProgramTask;

export type BoxesTask = ProgramTask & {
  /** The filled input, float32 with channels last. */
  readonly filled: SharedArrayBuffer;
  readonly maps: BaselineMaps['maps'];
  readonly positions: readonly Position[];
  readonly boxes: readonly Box[];
};

/** What the last stage reads: one a port, float32 [positions, height, width, channels]. */
export type LastInputs = readonly Float32Array[];
export type LastTask = Omit<ProgramTask, 'original'> & { readonly inputs: LastInputs };

/** What is kept of an unoccluded run. */
export type BaselineMaps = {
  /** float32 [classes] */
  readonly output: Float32Array;
  /** Maps that the program's stages read, float32 with channels last, by tensor. */
  readonly maps: readonly (readonly [string, SharedArrayBuffer])[];
};

export type ShapeProbeTask = {
  readonly probe: ShapeProbe;
  /** Folder of its weights. */
  readonly folder: string;
};

/** Runs segments of one model side by side. */
export type SegmentRunner = {
  readonly inferenceThreads: number;
  /** @throws {AppError} `unavailable` if the thread dies; `cancelled` once `stop` is set. */
  runBaseline(task: BaselineTask): Promise<BaselineMaps>;
  /** @returns float32 [boxes, classes] @throws {AppError} As `runBaseline`. */
  runBoxes(task: BoxesTask): Promise<Float32Array>;
  /** Run a probe for shapes. @throws {AppError} `unavailable` if the thread dies. */
  runShapeProbe(task: ShapeProbeTask): Promise<ReadonlyMap<string, TensorShape>>;
};
