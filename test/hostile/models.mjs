// Model files that are damaged, cyclic or vast, given to `umbra models check`.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeOnnx, tinyNetwork, writeTfjsBundle, writeTinyBundle } from '@umbra/engine/testing';
import { repoRoot } from '../../scripts/lib/run.mjs';
import { damage, distort } from './mutate.mjs';

/** @typedef {import('../trials/chance.mjs').Chance} Chance */

const checkMs = 90_000;
let count = 0;

/** @param {Partial<ReturnType<typeof tinyNetwork>>} changes */
const network = (changes) => encodeOnnx({ ...tinyNetwork(), ...changes });

/** @type {Readonly<Record<string, () => Buffer>>} */
const crafted = {
  'a graph that is a circle': () => {
    const { nodes, ...rest } = tinyNetwork();
    const [first, ...others] = nodes;
    if (first === undefined) throw new Error('Expected a node');
    return encodeOnnx({ ...rest, nodes: [{ ...first, inputs: ['r2', 'w1'] }, ...others] });
  },
  'a node that reads itself': () => {
    const { nodes, ...rest } = tinyNetwork();
    return encodeOnnx({
      ...rest,
      nodes: nodes.map((node) => (node.op === 'Relu' ? { ...node, inputs: [node.output] } : node)),
    });
  },
  'an input of 2 ** 30 px': () =>
    network({ input: { name: 'input', shape: [1, 3, 2 ** 30, 2 ** 30] } }),
  'a kernel of 10,000 px': () => {
    const { nodes, ...rest } = tinyNetwork();
    const attributes = [{ name: 'kernel_shape', ints: [10_000, 10_000] }];
    return encodeOnnx({ ...rest, nodes: nodes.map((node) => ({ ...node, attributes })) });
  },
  'an operator that does not exist': () => {
    const { nodes, ...rest } = tinyNetwork();
    return encodeOnnx({ ...rest, nodes: nodes.map((node) => ({ ...node, op: 'Explode' })) });
  },
  'no nodes': () => network({ nodes: [] }),
  'an output that nothing makes': () => network({ output: { name: 'nowhere', shape: ['N', 5] } }),
};

/**
 * @param {string} folder for the bundles
 * @returns {import('./case.mjs').Generator}
 */
export const badModels = (folder) => async (chance) => {
  count += 1;
  const home = join(folder, String(count));
  await mkdir(home, { recursive: true });
  const { name, bundle } = await chance.pick([craftOnnx, damageOnnx, damageTfjs, distortBundle])(
    home,
    chance,
  );
  return { kind: 'models', name, run: () => checkModel(bundle) };
};

const weight = (/** @type {string} */ name, /** @type {number[]} */ shape) => ({
  name,
  shape,
  values: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => Math.sin(at)),
});
const conv = {
  filters: 4,
  kernel_size: [3, 3],
  strides: [2, 2],
  padding: 'same',
  activation: 'relu',
};

/** One convolution and a dense layer. */
const smallTfjs = {
  format: /** @type {const} */ ('layers-model'),
  topology: {
    model_config: {
      class_name: 'Sequential',
      config: {
        name: 'small',
        layers: [
          {
            class_name: 'Conv2D',
            config: { name: 'conv', batch_input_shape: [null, 32, 32, 3], ...conv },
          },
          { class_name: 'GlobalAveragePooling2D', config: { name: 'pool' } },
          { class_name: 'Dense', config: { name: 'dense', units: 3 } },
        ],
      },
    },
  },
  weights: [
    weight('conv/kernel', [3, 3, 3, 4]),
    weight('conv/bias', [4]),
    weight('dense/kernel', [4, 3]),
    weight('dense/bias', [3]),
  ],
};

/** @param {string} home @param {Chance} chance */
async function craftOnnx(home, chance) {
  const name = chance.pick(Object.keys(crafted));
  return {
    name,
    bundle: await writeTinyBundle(home, { onnx: crafted[name]?.() ?? Buffer.alloc(1) }),
  };
}

/** @param {string} home @param {Chance} chance */
async function damageOnnx(home, chance) {
  const { name, bytes } = damage(encodeOnnx(tinyNetwork()), chance);
  return { name: `ONNX: ${name}`, bundle: await writeTinyBundle(home, { onnx: bytes }) };
}

/** @param {string} home @param {Chance} chance */
async function damageTfjs(home, chance) {
  const bundle = await writeTfjsBundle(home, smallTfjs);
  const description = JSON.parse(await readFile(join(bundle, 'bundle.json'), 'utf8'));
  const { path } = chance.pick(/** @type {{ path: string }[]} */ (description.files));
  const file = join(bundle, path);
  const bytes = await readFile(file);
  const isJson = path.endsWith('.json') && chance.next() < 0.7;
  const made = isJson
    ? {
        name: 'odd values',
        bytes: Buffer.from(
          JSON.stringify(distort(JSON.parse(bytes.toString()), chance, 0.05)) ?? '',
        ),
      }
    : damage(bytes, chance);
  await writeFile(file, made.bytes);
  // Its digest is right, so that what is damaged is read.
  const sha256 = createHash('sha256').update(made.bytes).digest('hex');
  const files = description.files.map((/** @type {{ path: string }} */ one) =>
    one.path === path ? { path, sha256, bytes: made.bytes.length } : one,
  );
  await writeFile(join(bundle, 'bundle.json'), JSON.stringify({ ...description, files }));
  return { name: `TensorFlow.js ${path}: ${made.name}`, bundle };
}

/** @param {string} home @param {Chance} chance */
async function distortBundle(home, chance) {
  const bundle = await writeTinyBundle(home);
  const file = join(bundle, 'bundle.json');
  const text = await readFile(file, 'utf8');
  const odd = JSON.stringify(distort(JSON.parse(text), chance, 0.1)) ?? 'null';
  await writeFile(file, odd);
  return { name: `bundle.json: ${odd.slice(0, 100)}`, bundle };
}

/**
 * @param {string} bundle
 * @throws {Error} if the check ends by a signal, with a stack, or not in time
 */
async function checkModel(bundle) {
  if (!existsSync(bundle)) throw new Error(`Expected a bundle at ${bundle}`);
  const main = join(repoRoot, 'apps', 'cli', 'dist', 'main.js');
  const child = spawn(process.execPath, [main, 'models', 'check', bundle], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: checkMs,
    killSignal: 'SIGKILL',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk.toString();
    });
  }
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, by) => resolve([status, by]));
  });
  if (signal !== null)
    throw new Error(`Expected the check to end by itself, got ${signal}: ${output.slice(-300)}`);
  if (/\n {4}at .*\.js:\d+/.test(output))
    throw new Error(`Expected a reason, got a stack (${code}): ${output.slice(0, 300)}`);
}
