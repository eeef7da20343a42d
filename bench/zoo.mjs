// Positions a second of modern networks, compared with PyTorch at its best, in turns in one run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { addModel, describeFolder, openEngine } from '@umbra/engine';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { listNetworks, restoreNetwork } from '../test/zoo/restore.mjs';
import { findPython } from './peers.mjs';
import { spreadOf } from './spread.mjs';

const measured = [
  'convnext_tiny',
  'shufflenet_v2_x1_0',
  'mobilenet_v3_large',
  'efficientnet_v2_s',
  'swin_t',
  'vit_b_16',
];
const patch = 32;
const stride = 16;
/** Rows of the grid that a round runs, from the middle of 14. */
const rows = { rowStart: 6, rowEnd: 8 };

/**
 * @param {{ root: string, quick: boolean, only: string[], report: (message: string) => void }} options
 * @returns {Promise<object[]>} one row for each network
 */
export async function benchZoo({ root, quick, only, report }) {
  const python = findPython(root, report);
  const threads = availableParallelism();
  const chosen = measured.filter((name) => only.length === 0 || only.includes(name));
  const results = [];
  for (const network of await listNetworks()) {
    if (!chosen.includes(network.name)) continue;
    const folder = await mkdtemp(join(tmpdir(), 'umbra-bench-zoo-'));
    const engine = openEngine({ inferenceThreads: threads });
    const peer = await startPeer(root, python, network.name, { threads, report });
    try {
      const { name, file, macs: _, ...preprocessing } = network;
      await restoreNetwork(name, join(folder, 'files'));
      const claims = { ...preprocessing, name, output: 'logits' };
      const staged = await describeFolder(join(folder, 'files', file), claims);
      const model = await engine.open((await addModel(join(folder, 'models'), staged)).folder);
      const row = await measureInTurns(model, peer, quick ? 1 : 5);
      results.push({ model: name, ...row, load: loadavg()[0] });
      report(summary(name, row));
    } finally {
      await peer?.stop();
      await engine.close();
      await rm(folder, { recursive: true });
    }
  }
  report(`\n${formatTable(results)}\n`);
  return results;
}

/**
 * @param {import('@umbra/engine').OpenModel} model
 * @param {Awaited<ReturnType<typeof startPeer>>} peer
 * @param {number} rounds
 */
async function measureInTurns(model, peer, rounds) {
  const { height, width } = model.bundle.input;
  const size = { height, width };
  const crop = { top: 0, left: 0, bottom: height, right: width };
  const tensor = Float32Array.from({ length: 3 * height * width }, (_, at) => Math.sin(at));
  const input = { ...size, tensor, frame: { photo: size, resized: size, crop } };
  const settings = occlusionSettings.parse({ patch, stride });
  const resolve = (/** @type {'auto' | 'dense'} */ strategy) =>
    model.resolve({ ...settings, strategy }, input);
  const time = async (/** @type {'auto' | 'dense'} */ strategy) => {
    const { milliseconds, predictedClasses } = await model.occlude(input, resolve(strategy), {
      rows,
    });
    return (1000 * predictedClasses.length) / milliseconds;
  };
  /** @type {Record<'dense' | 'auto' | 'torch', number[]>} */
  const rates = { dense: [], auto: [], torch: [] };
  for (let round = 0; round < rounds; round++) {
    for (const strategy of /** @type {const} */ (['dense', 'auto'])) {
      // Sessions of the other strategy were closed: a run makes them again.
      await time(strategy);
      rates[strategy].push(await time(strategy));
    }
    if (peer !== null) rates.torch.push(await peer.measure());
  }
  const found = await model.plan(resolve('auto'));
  return {
    strategy: found.strategy,
    positionsPerSecond: {
      dense: spreadOf(rates.dense),
      auto: spreadOf(rates.auto),
      torch: peer === null ? null : spreadOf(rates.torch),
    },
    torchBest: peer?.best ?? null,
    versions: peer?.versions ?? null,
  };
}

/**
 * Starts PyTorch with a network of the same architecture, at its best batch, format and compiler.
 *
 * @param {string} root
 * @param {string | null} python
 * @param {string} model
 * @param {{ threads: number, report: (message: string) => void }} options
 */
async function startPeer(root, python, model, { threads, report }) {
  if (python === null) return null;
  const flags = { model, patch, stride, 'session-threads': threads, seconds: 2, positions: 32 };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const script = join(root, 'bench/peers/torch_rounds.py');
  const child = spawn(python, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`Expected a line of ${script} for ${model}, got its end`);
    return JSON.parse(value);
  };
  const { best, versions } = await next().catch((error) => {
    report(`${model}: ${error.message}: PyTorch is skipped`);
    return { best: null, versions: null };
  });
  if (best === null) return null;
  return {
    best,
    versions,
    async measure() {
      child.stdin.write('\n');
      return 1000 / (await next()).msPerPosition;
    },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof measureInTurns>>} Row */

/** @param {string} name @param {Row} row */
function summary(name, { strategy, positionsPerSecond: { dense, auto, torch } }) {
  const beside = torch === null ? '' : `, PyTorch ${torch.median.toFixed(1)}/s`;
  return `${name}: dense ${dense.median.toFixed(1)}/s, auto (${strategy}) ${auto.median.toFixed(1)}/s${beside}`;
}

/** @param {(Row & { model: string })[]} results */
function formatTable(results) {
  const show = (/** @type {ReturnType<typeof spreadOf> | null} */ rate) =>
    rate === null
      ? ''
      : `${rate.median.toFixed(1)} (${rate.min.toFixed(1)} to ${rate.max.toFixed(1)})`;
  const lines = results.map(({ model, strategy, positionsPerSecond, torchBest }) => {
    const { dense, auto, torch } = positionsPerSecond;
    const how = torchBest === null ? '' : `${torchBest.name}, ${torchBest.batch}`;
    const times = torch === null ? '' : (auto.median / torch.median).toFixed(2);
    return [model, show(dense), show(auto), strategy, show(torch), how, times];
  });
  const head = ['network', 'dense', 'auto', 'strategy', 'PyTorch', 'its best', 'x PyTorch'];
  const line = (/** @type {string[]} */ cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...lines.map(line)].join('\n');
}
