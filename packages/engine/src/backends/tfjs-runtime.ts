import { createRequire } from 'node:module';
import type { loadGraphModel } from '@tensorflow/tfjs-converter';
import type * as core from '@tensorflow/tfjs-core';
import type { loadLayersModel } from '@tensorflow/tfjs-layers';
import type { TfjsChoice } from '@umbra/shared/contracts/provider';
import { unavailable } from '@umbra/shared/errors';

/** TensorFlow.js with one backend active. */
export type Tfjs = Pick<
  typeof core,
  'tensor' | 'tidy' | 'memory' | 'setBackend' | 'ready' | 'backend' | 'dispose'
> & {
  readonly loadLayersModel: typeof loadLayersModel;
  readonly loadGraphModel: typeof loadGraphModel;
};

/** One TensorFlow.js package that may be installed. */
export type TfjsCandidate = {
  readonly choice: Exclude<TfjsChoice, 'auto'>;
  readonly package: string;
  /** TensorFlow.js' name of the backend that the package registers. */
  readonly backend: string;
  load(): Promise<Tfjs>;
};

/** Candidates, best first. Native packages bring a whole TensorFlow.js of their own, which is then used. */
export const tfjsCandidates: readonly TfjsCandidate[] = [
  {
    choice: 'node-gpu',
    package: '@tensorflow/tfjs-node-gpu',
    backend: 'tensorflow',
    load: () => loadNative('@tensorflow/tfjs-node-gpu'),
  },
  {
    choice: 'node',
    package: '@tensorflow/tfjs-node',
    backend: 'tensorflow',
    load: () => loadNative('@tensorflow/tfjs-node'),
  },
  {
    choice: 'wasm',
    package: '@tensorflow/tfjs-backend-wasm',
    backend: 'wasm',
    load: loadWasm,
  },
];

export type TfjsRuntime = {
  readonly tf: Tfjs;
  /** Name for results: `tfjs-node`, `tfjs-wasm`. */
  readonly name: string;
  readonly version: string;
  readonly device: string;
  /** Better candidates, and why they are not used. */
  readonly refused: readonly { readonly package: string; readonly reason: string }[];
};

const require = createRequire(import.meta.url);
let opened: Promise<TfjsRuntime> | undefined;

/**
 * Open TensorFlow.js, once a thread: its first caller chooses, since two cannot be active at once.
 *
 * @param choice The package to take; the best that loads if left out.
 * @throws {AppError} `unavailable`
 */
export function openTfjs(choice: TfjsChoice = 'auto'): Promise<TfjsRuntime> {
  opened ??= chooseTfjs(choice, tfjsCandidates);
  return opened;
}

/** Try candidates in order; one that cannot be loaded is recorded with its reason, and the next is tried. */
export async function chooseTfjs(
  choice: TfjsChoice,
  candidates: readonly TfjsCandidate[],
): Promise<TfjsRuntime> {
  const refused: { package: string; reason: string }[] = [];
  for (const candidate of candidates) {
    if (choice !== 'auto' && candidate.choice !== choice) continue;
    try {
      const tf = await candidate.load();
      if (!(await tf.setBackend(candidate.backend))) throw new Error('its backend does not start');
      await tf.ready();
      const { version } = require(`${candidate.package}/package.json`) as { version: string };
      const name = `tfjs-${candidate.choice}`;
      return { tf, name, version, device: deviceOf(tf), refused };
    } catch (error) {
      refused.push({ package: candidate.package, reason: reasonOf(candidate.package, error) });
    }
  }
  const reasons = refused.map((one) => `${one.package}: ${one.reason}`);
  throw unavailable(`Expected a TensorFlow.js backend on this machine; ${reasons.join('; ')}`);
}

/** Device of a backend: the GPU package works without a GPU too, on the CPU. */
const deviceOf = (tf: Tfjs): string =>
  (tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true ? 'gpu' : 'cpu';

async function loadNative(name: string): Promise<Tfjs> {
  const path = require.resolve(name);
  const [major = 0] = process.versions.node.split('.').map(Number);
  // It loads on newer versions, and fails at the first tensor: it calls functions that were removed.
  if (major >= 23) throw new Error(`it needs Node.js 20 or 22, this is ${process.versions.node}`);
  // A path, so that the package need not be there when this is compiled.
  const loaded = (await import(path)) as { default: Tfjs };
  return loaded.default;
}

async function loadWasm(): Promise<Tfjs> {
  const [tf, layers, converter] = await Promise.all([
    import('@tensorflow/tfjs-core'),
    import('@tensorflow/tfjs-layers'),
    import('@tensorflow/tfjs-converter'),
    import('@tensorflow/tfjs-backend-wasm'),
  ]);
  // Without a browser's notes on how much faster it could be.
  tf.env().set('IS_TEST', true);
  const { loadLayersModel } = layers;
  const { loadGraphModel } = converter;
  return { ...tf, loadLayersModel, loadGraphModel };
}

function reasonOf(name: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [line = ''] = message.split('\n');
  return /Cannot find (module|package)/.test(line) && line.includes(name) ? 'not installed' : line;
}
