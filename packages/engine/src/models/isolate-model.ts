import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { builtFile } from '@umbra/shared/built-file';
import { AppError, unavailable } from '@umbra/shared/errors';
import { signalChild } from '@umbra/shared/signal-child';
import type { FigurePage } from '../figures/tiles.js';
import type { ModelInput } from '../image/preprocess.js';
import type { EngineOptions } from '../types.js';
import type { StagedModel } from './bundle.js';
import { type CheckStep, checkNames, notRun } from './check-steps.js';
import type { ModelClaims } from './describe.js';
import { modelEnvironment } from './model-environment.js';
import type { ActivationsView, ModelReply, ModelTask } from './model-task.js';
import { watchMemory } from './watch-memory.js';

/** How a model is tried in a process of its own. */
export type TrialOptions = {
  /** Limit for all of it, ms. */
  readonly deadlineMs?: number;
  /** Limit for its memory, where the system tells of it, as Linux does; none if left out. */
  readonly maxBytes?: number;
  /** Aborting it ends the process. */
  readonly signal?: AbortSignal;
  /** The compiled module that the process runs. */
  readonly entry?: URL;
};

/** Five minutes, which a large model takes on a slow machine. */
const defaultDeadlineMs = 300_000;

/**
 * Check a model as `checkModel` does, in a process of its own. One that ends the process, or does not end
 * itself, fails the step that it was in.
 *
 * @param onStep Hears of each step as it ends.
 * @throws {AppError} `unavailable` if no process can be started.
 * @throws The signal's reason.
 */
export async function checkIsolated(
  folder: string,
  options: TrialOptions = {},
  onStep: (step: CheckStep) => void = () => undefined,
): Promise<readonly CheckStep[]> {
  const steps: CheckStep[] = [];
  const add = (step: CheckStep): void => {
    steps.push(step);
    onStep(step);
  };
  const end = await runApart({ kind: 'check', folder }, options, add);
  if (end.kind === 'failed') throw new AppError(end.error.code, end.error.message);
  const [next, ...rest] = checkNames.slice(steps.length);
  if (end.kind === 'done' || next === undefined) return steps;
  const late = end.kind === 'late' ? { isLate: true as const } : {};
  add({ name: next, ok: false, detail: describeEnd(end), ...late });
  for (const name of rest) add(notRun(name));
  return steps;
}

/**
 * Open a model and run it on a blank image, in a process of its own.
 *
 * @throws {AppError} As `Engine.open`, which is what the model is told by.
 * @throws {AppError} `unavailable` if the process cannot be started, is ended, or does not end: others may be the
 *   reason, as for the memory or the load of the machine.
 * @throws The signal's reason.
 */
export async function openIsolated(
  folder: string,
  options: EngineOptions,
  trial: TrialOptions = {},
): Promise<void> {
  const end = await runApart({ kind: 'open', folder, options }, trial, () => undefined);
  if (end.kind === 'done') return;
  if (end.kind === 'failed') throw new AppError(end.error.code, end.error.message);
  throw unavailable(describeEnd(end));
}

/**
 * Describe a model's file as `describeFolder` does, in a process of its own: nothing of an untrusted file is parsed
 * here. The file holds all of its weights.
 *
 * @param file The model's file in `folder`; a path in the claims is relative to the folder, too.
 * @throws {AppError} As `describeFolder`.
 * @throws {AppError} `unprocessable` if the file ends the process, or does not let it end.
 * @throws {AppError} `unavailable` if no process can be started.
 * @throws The signal's reason.
 */
export async function describeIsolated(
  folder: string,
  file: string,
  claims: ModelClaims,
  trial: TrialOptions = {},
): Promise<StagedModel> {
  const end = await runApart({ kind: 'describe', folder, file, claims }, trial, () => undefined);
  if (end.kind === 'failed') throw new AppError(end.error.code, end.error.message);
  if (end.kind === 'done' && end.staged !== undefined) return end.staged;
  const seen = end.kind === 'done' ? 'none' : describeEnd(end);
  throw new AppError('unprocessable', `Expected a description of '${file}', got: ${seen}`);
}

/**
 * Draw a layer's feature maps for one photo, in a process of its own.
 *
 * @throws {AppError} `invalid_input` if the layer is unknown, has no feature maps, or cannot be run up to.
 * @throws {AppError} `unprocessable` if it takes more memory than it may, as it would again.
 * @throws {AppError} `unavailable` as `openIsolated`.
 * @throws The signal's reason.
 */
export async function drawActivations(
  folder: string,
  { height, width, tensor }: Pick<ModelInput, 'height' | 'width' | 'tensor'>,
  view: ActivationsView,
  trial: TrialOptions = {},
): Promise<FigurePage> {
  const task: ModelTask = { kind: 'activations', folder, size: { height, width }, ...view };
  const end = await runApart(task, trial, () => undefined, tensor);
  if (end.kind === 'failed') throw new AppError(end.error.code, end.error.message);
  if (end.kind === 'done' && end.figure !== undefined) return end.figure;
  if (end.kind === 'grew') {
    throw new AppError('unprocessable', `The drawing of layer '${view.layer}' ${describeEnd(end)}`);
  }
  throw unavailable(end.kind === 'done' ? 'Expected a figure, got none' : describeEnd(end));
}

type Late = { readonly kind: 'late'; readonly deadlineMs: number };
type Excess = { readonly kind: 'grew'; readonly maxBytes: number };
type Death = { readonly kind: 'died'; readonly seen: string };
type TaskEnd = Extract<ModelReply, { kind: 'done' | 'failed' }> | Late | Excess | Death;

function describeEnd(end: Late | Excess | Death): string {
  if (end.kind === 'late') return `did not end within ${end.deadlineMs / 1000} s`;
  if (end.kind === 'grew') return `took more than ${end.maxBytes / 1024 ** 2} MiB of memory`;
  return `the model ended the process that ran it: ${end.seen}`;
}

async function runApart(
  task: ModelTask,
  {
    deadlineMs = defaultDeadlineMs,
    maxBytes = Number.POSITIVE_INFINITY,
    signal,
    entry = builtFile(import.meta.url, 'model-process'),
  }: TrialOptions,
  onStep: (step: CheckStep) => void,
  tensor?: Float32Array,
): Promise<TaskEnd> {
  signal?.throwIfAborted();
  const child = fork(fileURLToPath(entry), [JSON.stringify(task), String(process.pid)], {
    // What a native library says before it dies is worth reading.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
    env: modelEnvironment(),
  });
  // It is kept until the process listens.
  if (tensor !== undefined) child.send(tensor, () => undefined);
  const kill = (): void => void signalChild(child, 'SIGKILL');
  const limits = holdToLimits(child, { deadlineMs, maxBytes });
  signal?.addEventListener('abort', kill, { once: true });
  try {
    const { isReady, end } = await follow(child, onStep);
    signal?.throwIfAborted();
    if (end.kind !== 'died') return end;
    const exceeded = limits.exceeded();
    if (exceeded !== null) return exceeded;
    if (isReady) return end;
    throw unavailable(`The process to run the model did not start: ${end.seen}`);
  } finally {
    limits.stop();
    signal?.removeEventListener('abort', kill);
    kill();
  }
}

/** End a process that goes beyond a limit, and tell which. */
function holdToLimits(
  child: ChildProcess,
  { deadlineMs, maxBytes }: Required<Pick<TrialOptions, 'deadlineMs' | 'maxBytes'>>,
) {
  let exceeded: Late | Excess | null = null;
  const endFor = (limit: Late | Excess): void => {
    exceeded ??= limit;
    signalChild(child, 'SIGKILL');
  };
  const timer = setTimeout(() => endFor({ kind: 'late', deadlineMs }), deadlineMs);
  const stopWatching = watchMemory(child, maxBytes, () => endFor({ kind: 'grew', maxBytes }));
  return {
    exceeded: () => exceeded,
    stop() {
      clearTimeout(timer);
      stopWatching();
    },
  };
}

/** Follow a process to the end of its task, or its own. @throws {AppError} `unavailable` */
async function follow(child: ChildProcess, onStep: (step: CheckStep) => void) {
  let isReady = false;
  const answered = new Promise<TaskEnd>((resolve) => {
    child.on('message', (reply: ModelReply) => {
      if (reply.kind === 'ready') isReady = true;
      else if (reply.kind === 'step') onStep(reply.step);
      else resolve(reply);
    });
  });
  const died = async (): Promise<Death> => {
    const [code, by] = await once(child, 'exit');
    // What it had said before may still be on its way.
    if (child.connected) await once(child, 'disconnect');
    return { kind: 'died', seen: by === null ? `exit code ${code}` : `signal ${by}` };
  };
  const end = await Promise.race([answered, died()]).catch((error: unknown) => {
    throw unavailable(`A process to run the model could not be started: ${String(error)}`, error);
  });
  return { isReady, end };
}
