// `npm run setup:tfjs-node`: installs TensorFlow.js on a native TensorFlow. The packages' own library is TensorFlow
// 2.9.1, and for GPUs CUDA 11.2; here their binding is built against the library in PyPI's current TensorFlow.
// `-- --gpu` uses the library built for CUDA 12.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { checkNode, ensureInstalled } from './lib/install.mjs';
import { CommandError, findOnPath, repoRoot, run, runMain, step } from './lib/run.mjs';

const BINDING_VERSION = '4.22.0';
const TENSORFLOW_VERSION = '2.21.0';
/** The wheels for Python 3.11 contain the same library as all others; Python does not run it. */
const WHEEL = ['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311'];
const VARIANTS = /** @type {const} */ ({
  cpu: {
    npm: '@tensorflow/tfjs-node',
    pypi: 'tensorflow-cpu',
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
  },
  gpu: {
    npm: '@tensorflow/tfjs-node-gpu',
    pypi: 'tensorflow',
    sha256: '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
  },
});
const LIBRARIES = {
  'libtensorflow.so': 'libtensorflow_cc.so.2',
  'libtensorflow_framework.so': 'libtensorflow_framework.so.2',
};
const HEADERS = ['tensorflow', 'tsl', 'xla'];

await runMain(async () => {
  const variant = process.argv.includes('--gpu') ? VARIANTS.gpu : VARIANTS.cpu;
  assertPlatform();
  await ensureInstalled();
  const folder = join(repoRoot, 'node_modules', variant.npm);
  await installBinding(variant.npm);
  const work = mkdtempSync(join(tmpdir(), 'umbra-tensorflow-'));
  try {
    await unpackTensorflow(variant, work, join(folder, 'deps'));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  step('building the binding');
  await run(
    'npx',
    [
      '--yes',
      'node-gyp@12.4.0',
      'rebuild',
      ...ownHeaders(),
      '--napi_build_version=8',
      '--module_name=tfjs_binding',
      `--module_path=${join(folder, 'lib', 'napi-v8')}`,
    ],
    { cwd: folder, quiet: true },
  );
  await run(process.execPath, ['-e', `require(${JSON.stringify(folder)})`], { quiet: true });
  step(`${variant.npm} runs on TensorFlow ${TENSORFLOW_VERSION}; npx umbra doctor shows it`);
  return 0;
});

function assertPlatform() {
  checkNode();
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major >= 23) {
    throw new CommandError(
      `Expected Node.js 20 or 22, got ${process.versions.node}: the binding calls functions that Node.js 23 removed`,
      1,
    );
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new CommandError(
      `Expected Linux on x64, got ${process.platform} on ${process.arch}: npm install --no-save @tensorflow/tfjs-node@${BINDING_VERSION} installs the package's own library`,
      1,
    );
  }
  for (const [program, hint] of [
    ['python3', 'python3 with pip'],
    ['make', 'make'],
    ['g++', 'g++'],
  ]) {
    if (findOnPath(program ?? '') === undefined)
      throw new CommandError(`Expected ${hint} on PATH, got none: the build needs it`, 1);
  }
}

/** @returns {string[]} flags for the headers of this Node.js; without them node-gyp downloads its own */
function ownHeaders() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include', 'node', 'node.h')) ? [`--nodedir=${prefix}`] : [];
}

/** @param {string} name */
async function installBinding(name) {
  step(`installing ${name} ${BINDING_VERSION} without its own library`);
  await run(
    'npm',
    [
      'install',
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      `${name}@${BINDING_VERSION}`,
    ],
    { quiet: true },
  );
}

/**
 * @param {(typeof VARIANTS)[keyof typeof VARIANTS]} variant
 * @param {string} work
 * @param {string} deps folder in which the binding finds its library and headers
 */
async function unpackTensorflow({ pypi, sha256 }, work, deps) {
  step(`downloading ${pypi} ${TENSORFLOW_VERSION} (several hundred megabytes)`);
  const wanted = join(work, 'wanted.txt');
  writeFileSync(wanted, `${pypi}==${TENSORFLOW_VERSION} --hash=sha256:${sha256}\n`);
  const download = ['-m', 'pip', 'download', '--no-deps', '--only-binary', ':all:', ...WHEEL];
  const platform = ['--platform', 'manylinux_2_27_x86_64', '--require-hashes', '-r', wanted];
  await run('python3', [...download, ...platform, '-d', work], { quiet: true });
  const wheel = readdirSync(work).find((name) => name.endsWith('.whl'));
  if (wheel === undefined)
    throw new CommandError(`Expected a wheel of ${pypi} from pip, got none`, 1);
  const members = [
    ...Object.values(LIBRARIES).map((name) => `tensorflow/${name}`),
    ...HEADERS.map((name) => `tensorflow/include/${name}/`),
  ];
  await run(
    'python3',
    [join(repoRoot, 'scripts', 'lib', 'unzip.py'), join(work, wheel), deps, ...members],
    { quiet: true },
  );
  mkdirSync(join(deps, 'lib'), { recursive: true });
  for (const [link, library] of Object.entries(LIBRARIES)) {
    for (const name of [link, library]) {
      const path = join(deps, 'lib', name);
      rmSync(path, { force: true });
      symlinkSync(join('..', 'tensorflow', library), path);
    }
  }
  for (const name of HEADERS) {
    const path = join(deps, 'include', name);
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { recursive: true, force: true });
    const source = join('..', 'tensorflow', 'include', name);
    if (existsSync(join(deps, 'tensorflow', 'include', name))) symlinkSync(source, path);
  }
}
