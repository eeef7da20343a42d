import { at } from '@umbra/shared/assert';
import type { DescribedBundle, ModelBundle, OutputKind } from '@umbra/shared/contracts/model';
import { type OcclusionSettingsInput, occlusionSettings } from '@umbra/shared/contracts/settings';
import { reportError } from '@umbra/shared/errors';
import type { Backend } from '../backends/backend.js';
import { loadBackend } from '../backends/load-backend.js';
import { openEngine } from '../engine.js';
import { chooseOutput } from '../graph/scores-output.js';
import type { ModelInput } from '../image/preprocess.js';
import { assertOutputKind, createOutputHead, noClass } from '../occlusion/output-head.js';
import type { OpenModel } from '../types.js';
import { readBundle, verifyBundle } from './bundle.js';
import { type CheckName, type CheckStep, checkNames, notRun } from './check-steps.js';
import { readFacts } from './describe.js';
import { describeDoubledNames, readLabels } from './labels.js';
import { readOnnxFacts } from './onnx-facts.js';
import { oneByOne, seededImage, type TwoOutputs, tryImages } from './try-images.js';

/** Limit for the difference between the strategies, as a share of a score's spread over positions. */
const tolerance = 1e-4;
/** What float32 rounds off through a deep network, as a share of the score: some spreads are less. */
const rounding = 2e-6;

/**
 * Try all that a run needs of a model, in order; after a failure the rest is not run.
 *
 * @param onStep Hears of each step as it ends.
 */
export async function checkModel(
  folder: string,
  onStep: (step: CheckStep) => void = () => undefined,
): Promise<readonly CheckStep[]> {
  const check = createCheck(folder);
  const done: CheckStep[] = [];
  try {
    for (const name of checkNames) {
      const hasFailed = done.some(({ ok }) => ok !== true);
      const step = hasFailed ? notRun(name) : { name, ...(await attempt(check.steps[name])) };
      done.push(step);
      onStep(step);
    }
  } finally {
    await check.close();
  }
  return done;
}

/** The steps of one model's check; each keeps what the later ones need. */
function createCheck(folder: string) {
  let bundle: ModelBundle | undefined;
  let backend: Backend | undefined;
  let outputs: TwoOutputs | undefined;
  const steps: Readonly<Record<CheckName, () => Promise<string>>> = {
    description: async () => {
      const described = await readBundle(folder);
      bundle = described.bundle;
      return describe(described);
    },
    files: () => checkFiles(folder, mustHave(bundle)),
    loads: async () => {
      backend = await loadBackend(folder, mustHave(bundle), { provider: 'cpu', sessionThreads: 1 });
      return `${backend.name} ${backend.version} on ${backend.device}`;
    },
    'forward pass': async () => {
      await assertBatch(folder, mustHave(bundle));
      const startedAt = performance.now();
      outputs = await tryImages(mustHave(backend), mustHave(bundle));
      const milliseconds = performance.now() - startedAt;
      const { height, width } = mustHave(bundle).input;
      const together = mustHave(bundle).batch === 1 ? 'one at a time' : 'alone and together';
      return `2 images of ${height} x ${width} px, ${together}, ${milliseconds.toFixed(0)} ms, ${outputs[0].length} scores`;
    },
    output: () => checkOutput(folder, mustHave(bundle), mustHave(outputs)),
    labels: () => countLabels(folder, mustHave(bundle), mustHave(outputs)[0].length),
    parity: async () => {
      // The strategies have sessions of their own: the weights need not be there twice.
      await backend?.close();
      backend = undefined;
      return compareStrategies(folder);
    },
  };
  return { steps, close: async () => backend?.close() };
}

/** Require the value that an earlier step has kept. @throws {Error} If that step was not run. */
function mustHave<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('Expected the steps to be run in order');
  return value;
}

async function attempt(run: () => Promise<string>): Promise<Omit<CheckStep, 'name'>> {
  try {
    return { ok: true, detail: await run() };
  } catch (error) {
    return { ok: false, detail: reportError(error).message };
  }
}

const describe = ({ bundle, digest }: DescribedBundle): string =>
  `${bundle.name}, ${describeInput(bundle)}, ${digest.slice(0, 12)}`;

/** Describe a model's format and input in a line. */
export function describeInput({ format, input, batch }: ModelBundle): string {
  const { layout, height, width, channels, resize } = input;
  const oneByOne = batch === 1 ? ', one image at a time' : '';
  return `${format}, ${layout} ${channels} ${height} x ${width} px (height x width), resize ${resize.rule}${oneByOne}`;
}

async function checkFiles(folder: string, bundle: ModelBundle): Promise<string> {
  await verifyBundle(folder, bundle);
  const mebibytes = bundle.files.reduce((sum, { bytes }) => sum + bytes, 0) / 1024 ** 2;
  return `${bundle.files.length} files, ${mebibytes.toFixed(1)} MiB, every sha256 as listed`;
}

/** Require one image at a time where the network mixes the images of a batch. */
async function assertBatch(folder: string, { format, model, batch }: ModelBundle): Promise<void> {
  if (format !== 'onnx' || batch === 1) return;
  if ((await readOnnxFacts(folder, model)).batch === null) return;
  throw new Error(
    `Expected scores that do not depend on the other images of a batch, got dynamic quantisation, which has one scale for all: ${oneByOne}`,
  );
}

async function countLabels(folder: string, bundle: ModelBundle, width: number): Promise<string> {
  const labels = await readLabels(folder, bundle, createOutputHead(bundle, width).classes);
  if (bundle.labels === undefined && bundle.output.positive === undefined) {
    return 'none: classes go by their numbers';
  }
  const warning = describeDoubledNames(labels);
  return `${labels.length} names, from '${labels[0]}' to '${labels.at(-1)}'${warning === null ? '' : `; warning: ${warning}`}`;
}

/** Compare the scores with the kind that the bundle states, which no run would notice to be wrong. */
async function checkOutput(
  folder: string,
  bundle: ModelBundle,
  outputs: TwoOutputs,
): Promise<string> {
  const { kind, name } = bundle.output;
  assertOutputKind(bundle, outputs);
  const { outputs: stated } = await readFacts(folder, bundle);
  const chosen = chooseOutput(stated, bundle.name, name);
  if (chosen.kind !== null && chosen.kind !== kind) {
    throw new Error(
      `Expected output.kind '${chosen.kind}', as its last operation states, got '${kind}'`,
    );
  }
  const { labels: file, output } = bundle;
  if (outputs[0].length === 1 && file === undefined && output.positive === undefined) {
    throw new Error(
      'Expected output.positive (--positive), the class that its single score speaks for, got none',
    );
  }
  const head = createOutputHead(bundle, outputs[0].length);
  const labels = await readLabels(folder, bundle, head.classes);
  const [seeded] = outputs;
  const top = at(head.rank(seeded, 1), 0);
  const isNone = head.predict(seeded) === noClass;
  const from = stated.length > 1 ? ` of its output '${chosen.name}'` : '';
  return `${kind}${from}; the seeded image's most probable class is '${labels[top]}', ${head.score(seeded, top, 'probability').toFixed(3)}${isNone ? ', below the threshold' : ''}${warnOfKind(kind, outputs)}`;
}

/** What scores look like beside what they are said to be, where both can be. */
function warnOfKind(kind: OutputKind, outputs: TwoOutputs): string {
  const areShares = outputs.every((row) => row.every((value) => value >= 0 && value <= 1));
  if (kind === 'independent-logits' && areShares) {
    return '; warning: all lie in [0, 1], as independent-probabilities do';
  }
  const sumToOne = outputs.every(
    (row) => row.length > 1 && Math.abs(row.reduce((sum, value) => sum + value, 0) - 1) < 1e-4,
  );
  return kind === 'independent-probabilities' && sumToOne
    ? '; warning: their sum is 1, as that of probabilities is'
    : '';
}

/** Compare the scores of nine positions of a seeded image, run whole and by segments. */
async function compareStrategies(folder: string): Promise<string> {
  const engine = openEngine({ inferenceThreads: 1 });
  try {
    const model = await engine.open(folder);
    const dense = await scoresAt(model, 'dense');
    const incremental = await scoresAt(model, 'incremental').catch((error: unknown) => {
      const { message } = reportError(error);
      if (message.includes('can be run on windows alone')) return null;
      throw error;
    });
    const count = dense.scores.reduce((sum, { length }) => sum + length, 0);
    if (incremental === null) return `${count} scores; runs dense only`;
    const compared = dense.scores.map((values, target) =>
      compareScores(values, at(incremental.scores, target)),
    );
    const worst = Math.max(...compared.map(({ share }) => share));
    const summary = `dense and incremental differ by ${worst.toExponential(1)} of the spread of a ${dense.score} at most, over ${count} scores`;
    if (compared.every(({ isClose }) => isClose)) return summary;
    throw new Error(`Expected at most ${tolerance}: ${summary}`);
  } finally {
    await engine.close();
  }
}

/** Compare a target's scores at the same positions. */
function compareScores(dense: Float32Array, incremental: Float32Array) {
  const spread = Math.max(...dense) - Math.min(...dense);
  const size = dense.reduce((largest, score) => Math.max(largest, Math.abs(score)), 0);
  const worst = dense.reduce(
    (largest, score, index) => Math.max(largest, Math.abs(score - at(incremental, index))),
    0,
  );
  return {
    share: spread > 0 ? worst / spread : worst,
    isClose: worst <= tolerance * spread + rounding * size,
  };
}

/** Scores of nine positions; logits where the model has them, since probabilities hide differences. */
async function scoresAt(model: OpenModel, strategy: 'dense' | 'incremental') {
  const { height, width } = model.bundle.input;
  const third = (side: number) => Math.max(1, Math.floor(side / 3));
  const patch = { height: third(height), width: third(width) };
  const score = model.bundle.output.kind.endsWith('logits') ? 'logit' : 'probability';
  const settings: OcclusionSettingsInput = {
    strategy,
    score,
    patch,
    stride: { y: patch.height, x: patch.width },
    edge: 'valid',
    target: { kind: 'top', k: Math.min(5, model.labels.length) },
  };
  const run = model.resolve(occlusionSettings.parse(settings), { height, width });
  const { scores } = await model.occlude(inputOf(model), run);
  return { scores, score };
}

function inputOf(model: OpenModel): ModelInput {
  const { height, width } = model.bundle.input;
  const size = { height, width };
  const crop = { top: 0, left: 0, bottom: height, right: width };
  return {
    ...size,
    tensor: seededImage(model.bundle.input),
    frame: { photo: size, resized: size, crop },
  };
}
