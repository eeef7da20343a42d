import type { Box } from '@umbra/shared/occlusion/grid';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { externalFolder, sessionOptions } from '../../backends/onnxruntime.js';
import { throwIfStopped } from '../../occlusion/abort.js';
import type { Program, StageModel } from '../plan/program.js';
import { segmentOutput } from '../plan/segment-output.js';
import { type Piece, wholeMap } from './crop.js';
import {
  type KeptMaps,
  type LastInputs,
  type Position,
  type RunStage,
  runLast,
  runSegments,
} from './execute.js';
import type { WinogradRunner } from './winograd.js';

/** What a thread needs to run a program on one image. */
type ProgramTask = {
  readonly program: Program;
  /** Where its weights lie. */
  readonly folder: string;
  /** Input, float32 with channels last. */
  readonly original: SharedArrayBuffer;
  /** int32 [1]: not 0 once the run is to stop. */
  readonly stop: SharedArrayBuffer;
  /** Memory for what a thread holds at once, bytes. */
  readonly threadBytes: number;
};

export type BaselineTask = ProgramTask;
export type BoxesTask = ProgramTask & {
  readonly filled: SharedArrayBuffer;
  /** Maps of the clean run that the program's stages read, by tensor. */
  readonly maps: readonly (readonly [string, SharedArrayBuffer])[];
  readonly positions: readonly Position[];
  readonly boxes: readonly Box[];
};
export type LastTask = Omit<ProgramTask, 'original'> & { readonly inputs: LastInputs };
export type BaselineMaps = {
  /** float32 [classes] */
  readonly row: Float32Array;
  readonly maps: readonly (readonly [string, SharedArrayBuffer])[];
};

/** A thread's sessions of one model's segments. */
export type Segments = {
  /** @throws {AppError} `cancelled` before the next run of a session once `stop` is set. */
  original(task: BaselineTask): Promise<BaselineMaps>;
  /** Boxes up to the last stage. @throws {AppError} As `clean`. */
  inputs(task: BoxesTask): Promise<LastInputs>;
  /** The last stage. @returns float32 [boxes, classes] @throws {AppError} As `clean`. */
  last(task: LastTask): Promise<Float32Array>;
  /** Let the sessions go. */
  close(): Promise<void>;
};

/** Runs longer than this gain nothing, and a shorter one hears a stop soon. */
const maxWindowBytes = 4 * 1024 * 1024;

/** A run over whole maps takes much more memory than the windows that follow: it is not kept for them. */
const givesBack = { extra: { memory: { enable_memory_arena_shrinkage: 'cpu:0' } } };

/**
 * @param folder Of the bundle, where segments find their weights.
 * @param threads Of the last stage.
 */
export function openSegments(folder: string, sessionThreads: number): Segments {
  const sessions = new Map<string, Promise<InferenceSession>>();
  let winograd: Promise<WinogradRunner> | undefined;

  const winogradRunner = (): Promise<WinogradRunner> => {
    winograd ??= import('./winograd.js').then(({ openWinograd }) => openWinograd(folder));
    return winograd;
  };
  const runStage =
    (sessionThreads: number, options?: InferenceSession.RunOptions): RunStage =>
    async (model, ports, inputs) => {
      const session = sessions.get(model.key) ?? createSegment(model, folder, sessionThreads);
      sessions.set(model.key, session);
      const feeds: Record<string, Tensor> = {};
      for (const [index, { name }] of ports.entries()) {
        const input = inputs[index];
        if (input !== undefined) feeds[name] = new Tensor('float32', input.data, input.shape);
      }
      const results = await (await session).run(feeds, options ?? {});
      return results[segmentOutput]?.data as Float32Array;
    };
  const run = async (
    { program, stop, threadBytes }: ProgramTask,
    positions: readonly Position[],
    kept: KeptMaps,
    pieces: readonly Piece[],
    keep?: (tensor: string, map: Piece) => void,
  ): Promise<LastInputs> => {
    const stopped = new Int32Array(stop);
    return runSegments(program, positions, kept, pieces, {
      windowBytes: Math.min(maxWindowBytes, threadBytes / 16),
      runStage: runStage(1, keep && givesBack),
      winograd: winogradRunner,
      check: () => throwIfStopped(stopped),
      ...(keep && { keep }),
    });
  };
  const last = ({ program, stop, threadBytes, inputs }: LastTask): Promise<Float32Array> => {
    const stopped = new Int32Array(stop);
    return runLast(program, inputs, {
      // Each run may read weights of hundreds of megabytes: the fewer, the better.
      windowBytes: threadBytes / 8,
      runStage: runStage(sessionThreads),
      check: () => throwIfStopped(stopped),
    });
  };

  return {
    async original(task) {
      const { program } = task;
      const input = wholeMap(new Float32Array(task.original), program.inputShape);
      const read = new Set(
        program.stages.flatMap(({ ports }) => ports.map(({ tensor }) => tensor)),
      );
      const maps: [string, SharedArrayBuffer][] = [[program.input, task.original]];
      // Every window covers its whole map, so nothing is read from the maps that are not there yet.
      const nothing = new Map([...read].map((tensor) => [tensor, new Float32Array(0)]));
      const inputs = await run(task, [wholePosition(program)], nothing, [input], (tensor, map) => {
        if (read.has(tensor)) maps.push([tensor, shareMap(map)]);
      });
      return { row: await last({ ...task, inputs }), maps };
    },
    inputs(task) {
      const { height, width, channels } = task.program.inputShape;
      const filled = new Float32Array(task.filled);
      const kept = new Map(task.maps.map(([tensor, map]) => [tensor, new Float32Array(map)]));
      const pieces = task.boxes.map((box): Piece => {
        const offset = (box.top * width + box.left) * channels;
        const y = { start: box.top, end: Math.min(box.bottom, height) };
        return {
          data: filled,
          offset,
          pitch: width * channels,
          y,
          x: { start: box.left, end: box.right },
        };
      });
      return run(task, task.positions, kept, pieces);
    },
    last,
    async close() {
      for (const session of sessions.values()) await (await session).release();
      await (await winograd)?.close();
    },
  };
}

const wholePosition = ({ stages }: Program): Position => ({
  row: (stages[0]?.rows.length ?? 1) - 1,
  column: (stages[0]?.columns.length ?? 1) - 1,
});

function shareMap({ data, offset, pitch, y }: Piece): SharedArrayBuffer {
  const length = pitch * (y.end - y.start);
  const shared = new SharedArrayBuffer(length * 4);
  new Float32Array(shared).set(data.subarray(offset, offset + length));
  return shared;
}

async function createSegment(
  model: StageModel,
  folder: string,
  sessionThreads: number,
): Promise<InferenceSession> {
  const options = sessionOptions({ provider: 'cpu', sessionThreads });
  return InferenceSession.create(model.bytes, {
    ...options,
    // Windows come in many sizes: a memory plan for each would never be used twice.
    enableMemPattern: false,
    extra: {
      session: {
        ...(options.extra?.session as object),
        ...externalFolder(folder),
      },
    },
  });
}
