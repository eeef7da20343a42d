import type { ModelBundle } from '@umbra/shared/contracts/model';
import { type OcclusionSettingsInput, occlusionSettings } from '@umbra/shared/contracts/settings';
import { reportError } from '@umbra/shared/errors';
import type { Backend } from '../backends/backend.js';
import { loadBackend } from '../backends/load-backend.js';
import { type OpenModel, openEngine } from '../engine.js';
import type { ModelInput } from '../image/preprocess.js';
import { softmaxAt } from '../occlusion/scores.js';
import { readBundle, verifyBundle } from './bundle.js';
import { readLabels } from './labels.js';

/** One line of a model's check; `ok` is null where an earlier step kept it from being run. */
export type CheckStep = {
  readonly name: string;
  readonly ok: boolean | null;
  readonly detail: string;
};

/** The step's name, and what it does with what the ones before it found. */
type Step = readonly [name: string, run: (found: Found) => Promise<string>];
type Found = {
  readonly folder: string;
  bundle?: ModelBundle;
  backend?: Backend;
  /** float32 [2, classes], of a seeded image and a grey one. */
  rows?: Float32Array;
};

/** Largest difference in probability between the strategies. */
const tolerance = 1e-5;
const classesOf = ({ rows }: Found): number => (rows?.length ?? 0) / 2;

const steps: readonly Step[] = [
  ['description', describe],
  ['files', holdFiles],
  ['loads', load],
  ['forward pass', forward],
  ['labels', countLabels],
  ['output', checkOutput],
  ['parity', compareStrategies],
];

/** Try all that a run needs of a model, in order; after a failure the rest is not run. */
export async function checkModel(folder: string): Promise<readonly CheckStep[]> {
  const found: Found = { folder };
  const done: CheckStep[] = [];
  try {
    for (const [name, run] of steps) {
      if (done.some(({ ok }) => ok !== true)) done.push({ name, ok: null, detail: 'not run' });
      else done.push({ name, ...(await attempt(() => run(found))) });
    }
  } finally {
    await found.backend?.close();
  }
  return done;
}

async function attempt(run: () => Promise<string>): Promise<Omit<CheckStep, 'name'>> {
  try {
    return { ok: true, detail: await run() };
  } catch (error) {
    return { ok: false, detail: reportError(error).message };
  }
}

async function describe(found: Found): Promise<string> {
  const { bundle, digest } = await readBundle(found.folder);
  found.bundle = bundle;
  const { layout, height, width, channels, resize } = bundle.input;
  return `${bundle.name}, ${bundle.format}, ${layout} ${channels} ${height} x ${width} px (height x width), resize ${resize.rule}, ${digest.slice(0, 12)}`;
}

async function holdFiles(found: Found): Promise<string> {
  const bundle = bundleOf(found);
  await verifyBundle(found.folder, bundle);
  const mebibytes = bundle.files.reduce((sum, { bytes }) => sum + bytes, 0) / 1024 ** 2;
  return `${bundle.files.length} files, ${mebibytes.toFixed(1)} MiB, every sha256 as listed`;
}

async function load(found: Found): Promise<string> {
  found.backend = await loadBackend(found.folder, bundleOf(found), {
    provider: 'cpu',
    sessionThreads: 1,
  });
  const { name, version, device } = found.backend;
  return `${name} ${version} on ${device}`;
}

async function forward(found: Found): Promise<string> {
  const { height, width } = bundleOf(found).input;
  const image = seededImage(height, width);
  const batch = new Float32Array(2 * image.length);
  batch.set(image);
  const startedAt = performance.now();
  found.rows = (await found.backend?.run(batch, 2, height, width)) ?? new Float32Array();
  if (!found.rows.every(Number.isFinite)) {
    throw new Error('Expected finite scores, got NaN or infinity: its weights are broken');
  }
  const [first, second] = [0, 1].map((row) => rowOf(found, row).join());
  if (first === second) throw new Error('Expected two images to differ in their scores');
  const milliseconds = performance.now() - startedAt;
  return `2 images of ${height} x ${width} px, ${milliseconds.toFixed(0)} ms, ${classesOf(found)} classes`;
}

async function countLabels(found: Found): Promise<string> {
  const labels = await readLabels(found.folder, bundleOf(found), classesOf(found));
  if (bundleOf(found).labels === undefined) return 'none: classes go by their numbers';
  return `${labels.length} names, from '${labels[0]}' to '${labels.at(-1)}'`;
}

/** The commonest slip in a description, and one that no run would notice. */
async function checkOutput(found: Found): Promise<string> {
  const { output } = bundleOf(found);
  const sums = [0, 1].map((row) => rowOf(found, row).reduce((sum, value) => sum + value, 0));
  const likely =
    sums.every((sum) => Math.abs(sum - 1) < 1e-3) &&
    (found.rows ?? []).every((value) => value >= 0 && value <= 1);
  if (output === 'probabilities' && !likely) {
    throw new Error(
      `Expected probabilities, in [0, 1] and with a sum of 1, got a sum of ${sums[0]?.toFixed(3)}: is its output logits?`,
    );
  }
  if (output === 'logits' && likely && classesOf(found) > 1) {
    throw new Error(
      'Expected logits, got numbers in [0, 1] with a sum of 1: is its output probabilities?',
    );
  }
  const first = rowOf(found, 0);
  const top = Math.max(
    ...first.map((value, index) => (output === 'logits' ? softmaxAt(first, index) : value)),
  );
  return `${output}; the seeded image's top class has probability ${top.toFixed(3)}`;
}

/** Nine positions of a seeded image, whole and by segments. */
async function compareStrategies(found: Found): Promise<string> {
  // Sessions of its own: the weights need not be there twice.
  await found.backend?.close();
  delete found.backend;
  const engine = openEngine({ inferenceThreads: 1 });
  try {
    const model = await engine.open(found.folder);
    const dense = await scoresAt(model, 'dense');
    const incremental = await scoresAt(model, 'incremental').catch((error: unknown) => {
      const { message } = reportError(error);
      if (message.includes('can be run on windows alone')) return null;
      throw error;
    });
    if (incremental === null) return `${dense.length} scores; runs dense only`;
    const worst = Math.max(
      ...dense.map((score, index) => Math.abs(score - (incremental[index] ?? Number.NaN))),
    );
    const said = `dense and incremental differ by ${worst.toExponential(1)} in probability at most, over ${dense.length} scores`;
    if (!(worst <= tolerance)) throw new Error(`Expected at most ${tolerance}: ${said}`);
    return said;
  } finally {
    await engine.close();
  }
}

async function scoresAt(model: OpenModel, strategy: 'dense' | 'incremental'): Promise<number[]> {
  const { height, width } = model.bundle.input;
  const third = (side: number) => Math.max(1, Math.floor(side / 3));
  const patch = { height: third(height), width: third(width) };
  const settings: OcclusionSettingsInput = {
    strategy,
    patch,
    stride: { y: patch.height, x: patch.width },
    edge: 'valid',
    target: { kind: 'top', k: Math.min(5, model.labels.length) },
  };
  const { scores } = await model.occlude(inputOf(height, width), occlusionSettings.parse(settings));
  return scores.flatMap((one) => [...one]);
}

function inputOf(height: number, width: number): ModelInput {
  const size = { height, width };
  const crop = { top: 0, left: 0, bottom: height, right: width };
  return {
    ...size,
    tensor: seededImage(height, width),
    frame: { photo: size, resized: size, crop },
  };
}

/** Noise in [-2, 2), about what normalised photos hold; the same everywhere. */
function seededImage(height: number, width: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: 3 * height * width }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return (state / 2_147_483_647) * 4 - 2;
  });
}

const rowOf = (found: Found, row: number): Float32Array =>
  (found.rows ?? new Float32Array()).slice(row * classesOf(found), (row + 1) * classesOf(found));

function bundleOf({ bundle }: Found): ModelBundle {
  if (bundle === undefined) throw new Error('Expected the description to be read first');
  return bundle;
}
