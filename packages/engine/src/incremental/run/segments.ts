import { at } from '@umbra/shared/assert';
import { throwIfStopped } from '../../abort.js';
import { externalFolder, sessionOptions } from '../../backends/onnxruntime.js';
import { InferenceSession, Tensor } from '../../backends/onnxruntime-library.js';
import {
  type BaselineMaps,
  type BaselineTask,
  type BoxesTask,
  type LastInputs,
  type LastTask,
  type Position,
  type Program,
  type StageModel,
  stageOutput,
} from '../types.js';
import { type RunStage, runLast, runSegments, type SegmentsWork } from './execute.js';
import { type Piece, wholeMap } from './pieces.js';
import type { WinogradRunner } from './winograd.js';

/** A thread's sessions of one model's segments. */
export type Segments = {
  /** @throws {AppError} `cancelled` before the next run of a session once `stop` is set. */
  runBaseline(task: BaselineTask): Promise<BaselineMaps>;
  /** Run boxes up to the last stage. @throws {AppError} As `runBaseline`. */
  runSegments(task: BoxesTask): Promise<LastInputs>;
  /** Run the last stage. @returns float32 [boxes, classes] @throws {AppError} As `runBaseline`. */
  runLast(task: LastTask): Promise<Float32Array>;
  /** Release the sessions. */
  close(): Promise<void>;
};

/** Longer runs gain nothing, and a shorter one meets a stop soon. */
const maxWindowBytes = 4 * 1024 * 1024;

/** A run over whole maps takes much more memory than the windows that follow: it is not kept for them. */
const shrinkArena = { extra: { memory: { enable_memory_arena_shrinkage: 'cpu:0' } } };

/**
 * @param folder The bundle's, where segments find their weights.
 * @param lastStageThreads Threads of the last stage's session.
 */
export function openSegments(folder: string, lastStageThreads: number): Segments {
  const sessions = createSessions(folder);
  let winograd: Promise<WinogradRunner> | undefined;

  const openWinograd = (): Promise<WinogradRunner> => {
    winograd ??= import('./winograd.js').then((module) => module.openWinograd(folder));
    return winograd;
  };
  /** @param keep Receives every map; then positions cover whole maps. */
  const run = async (
    { program, stop, threadBytes }: BaselineTask,
    work: SegmentsWork,
    keep?: (tensor: string, map: Piece) => void,
  ): Promise<LastInputs> => {
    const stopped = new Int32Array(stop);
    return runSegments(program, work, {
      windowBytes: Math.min(maxWindowBytes, threadBytes / 16),
      runStage: sessions.runStage(1, keep && shrinkArena),
      winograd: openWinograd,
      check: () => throwIfStopped(stopped),
      ...(keep && { keep }),
    });
  };
  const last = ({ program, stop, threadBytes, inputs }: LastTask): Promise<Float32Array> => {
    const stopped = new Int32Array(stop);
    return runLast(program, inputs, {
      // Each run may read weights of hundreds of megabytes: the fewer, the better.
      windowBytes: threadBytes / 8,
      runStage: sessions.runStage(lastStageThreads),
      check: () => throwIfStopped(stopped),
    });
  };

  return {
    async runBaseline(task) {
      const { program } = task;
      const read = new Set(
        program.stages.flatMap(({ ports }) => ports.map(({ tensor }) => tensor)),
      );
      const maps: [string, SharedArrayBuffer][] = [[program.input, task.original]];
      const work: SegmentsWork = {
        positions: [wholePosition(program)],
        // Every window covers its whole map, so nothing is read from the maps that are not there yet.
        kept: new Map([...read].map((tensor) => [tensor, new Float32Array(0)])),
        input: [wholeMap(new Float32Array(task.original), program.inputShape)],
      };
      const inputs = await run(task, work, (tensor, map) => {
        if (read.has(tensor)) maps.push([tensor, shareMap(map)]);
      });
      return { output: await last({ ...task, inputs }), maps };
    },
    runSegments: (task) =>
      run(task, {
        positions: task.positions,
        kept: new Map(task.maps.map(([tensor, map]) => [tensor, new Float32Array(map)])),
        input: filledPieces(task),
      }),
    runLast: last,
    async close() {
      await sessions.close();
      await (await winograd)?.close();
    },
  };
}

/** Sessions of stages' models, created as they are first run. */
function createSessions(folder: string) {
  const sessions = new Map<string, Promise<InferenceSession>>();
  const runStage =
    (sessionThreads: number, options: InferenceSession.RunOptions = {}): RunStage =>
    async (model, ports, inputs) => {
      const session = sessions.get(model.key) ?? createSession(model, folder, sessionThreads);
      sessions.set(model.key, session);
      const feeds: Record<string, Tensor> = {};
      for (const [index, { name }] of ports.entries()) {
        const { data, shape } = at(inputs, index);
        feeds[name] = new Tensor('float32', data, shape);
      }
      const results = await (await session).run(feeds, options);
      return results[stageOutput]?.data as Float32Array;
    };
  const close = async (): Promise<void> => {
    for (const session of sessions.values()) await (await session).release();
  };
  return { runStage, close };
}

/** The filled image under each box. */
function filledPieces({ program, filled, boxes }: BoxesTask): Piece[] {
  const { height, width, channels } = program.inputShape;
  const data = new Float32Array(filled);
  return boxes.map(({ top, left, bottom, right }) => ({
    data,
    offset: (top * width + left) * channels,
    pitch: width * channels,
    y: { start: top, end: Math.min(bottom, height) },
    x: { start: left, end: right },
  }));
}

/** The last placement along each axis is the whole map. */
function wholePosition({ stages }: Program): Position {
  const { rows, columns } = at(stages, 0);
  return { row: rows.length - 1, column: columns.length - 1 };
}

function shareMap({ data, offset, pitch, y }: Piece): SharedArrayBuffer {
  const length = pitch * (y.end - y.start);
  const shared = new SharedArrayBuffer(length * 4);
  new Float32Array(shared).set(data.subarray(offset, offset + length));
  return shared;
}

async function createSession(
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
