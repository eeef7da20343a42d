// Positions a second of the engine, dense and incremental, compared with PyTorch and Captum in one run.
import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { openEngine, planOcclusion, prepareImage } from '@umbra/engine';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { findBundle } from './bundles.mjs';
import { measurePeak } from './matmul-peak.mjs';
import { findPython, measurePeers } from './peers.mjs';
import { formatRows } from './table.mjs';

/**
 * The measured cases. `rows`: number of middle rows of the grid to run, if the whole grid takes too long. The peers' time
 * for a position does not depend on the patch, so it is measured once for each model.
 *
 * @type {{ model: string, patch: number, stride: number, rows?: number, quick?: boolean }[]}
 */
const cases = [
  { model: 'vgg16', patch: 32, stride: 16 },
  { model: 'vgg16', patch: 16, stride: 4, rows: 6 },
  { model: 'alexnet', patch: 32, stride: 16 },
  { model: 'resnet18', patch: 32, stride: 16, quick: true },
  { model: 'resnet50', patch: 32, stride: 16 },
  { model: 'mobilenet_v2', patch: 32, stride: 16 },
  { model: 'squeezenet1_1', patch: 32, stride: 16 },
  { model: 'densenet121', patch: 32, stride: 16 },
  { model: 'efficientnet_b0', patch: 32, stride: 16 },
  { model: 'efficientnet-lite0', patch: 32, stride: 16, quick: true },
];
/** Classes whose scores are compared at each position. */
const compared = 20;

/**
 * @param {{ root: string, quick: boolean, only: string[], report: (message: string) => void }} options
 * @returns {Promise<{ engine: object[], peak: object }>} one row for each case
 */
export async function benchEngine({ root, quick, only, report }) {
  const python = findPython(root, report);
  const threads = availableParallelism();
  const gflops = await measurePeak(threads);
  report(`matrix products: ${gflops.toFixed(0)} GFLOP/s on ${threads} threads`);
  const wanted = cases.filter(({ model, quick: isQuick }) =>
    only.length > 0 ? only.includes(model) : !quick || isQuick,
  );
  /** @type {Map<string, ReturnType<typeof measurePeers>>} */
  const known = new Map();
  const rows = [];
  for (const one of wanted) {
    const folder = findBundle(root, one.model, python, report);
    if (folder === null) {
      report(`${one.model}: skipped, no bundle`);
      continue;
    }
    const own = await measureOwn(root, folder, one, quick ? 2 : 3);
    const isTorchvision = !folder.startsWith(join(root, 'models'));
    const model = isTorchvision ? one.model : join(folder, 'model.onnx');
    const { patch, stride } = one;
    const seconds = quick ? 1 : 4;
    const peers =
      known.get(one.model) ??
      measurePeers(root, python, { model, patch, stride, threads, seconds }, report);
    known.set(one.model, peers);
    const row = describe(one, own, peers, gflops);
    rows.push(row);
    report(summary(row));
  }
  report(`\n${formatRows(rows)}\n`);
  return {
    engine: rows,
    peak: { gflops, threads, load: loadavg()[0] },
  };
}

/**
 * Measures Umbra's two strategies in turns, so that a slowdown of the machine affects both.
 *
 * @param {string} root
 * @param {string} folder
 * @param {{ patch: number, stride: number, rows?: number }} one
 * @param {number} repeats
 */
async function measureOwn(root, folder, { patch, stride, rows }, repeats) {
  const engine = openEngine({ inferenceThreads: availableParallelism() });
  try {
    const model = await engine.open(folder);
    const photo = readFileSync(join(root, 'samples/photos/cat.jpg'));
    const input = await prepareImage(photo, model.bundle.input);
    const target = { kind: /** @type {const} */ ('top'), k: compared };
    const settings = occlusionSettings.parse({ patch, stride, target });
    const grid = planOcclusion(input, settings);
    const rowStart = rows === undefined ? 0 : Math.floor((grid.rows - rows) / 2);
    const range = { rowStart, rowEnd: rows === undefined ? grid.rows : rowStart + rows };
    const warmUp = { rowStart, rowEnd: rowStart + 1 };
    const run = (/** @type {'dense' | 'incremental'} */ strategy, asked = range) =>
      model.occlude(input, model.resolve({ ...settings, strategy }, input), { rows: asked });
    const best = { dense: Number.POSITIVE_INFINITY, incremental: Number.POSITIVE_INFINITY };
    /** @type {Record<string, readonly Float32Array[]>} */
    const scores = {};
    // Every window of a run needs a session, so the warm-up is a whole run.
    const first = await run('incremental');
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const strategy of /** @type {const} */ (['dense', 'incremental'])) {
        // Sessions of the other strategy were closed: one row makes them again.
        await run(strategy, warmUp);
        if (strategy === 'incremental') await run(strategy);
        const done = await run(strategy);
        best[strategy] = Math.min(best[strategy], done.milliseconds);
        scores[strategy] = done.scores;
      }
    }
    const positions = first.predictedClasses.length;
    return {
      positions,
      dense: (positions * 1000) / best.dense,
      incremental: (positions * 1000) / best.incremental,
      maxAbsDiff: difference(scores.dense ?? [], scores.incremental ?? []),
      plan: await model.plan(model.resolve({ ...settings, strategy: 'incremental' }, input)),
      auto: (await model.plan(model.resolve(settings, input))).strategy,
    };
  } finally {
    await engine.close();
  }
}

/**
 * @param {readonly Float32Array[]} some
 * @param {readonly Float32Array[]} others
 */
function difference(some, others) {
  let largest = 0;
  for (const [at, scores] of some.entries()) {
    for (const [place, score] of scores.entries()) {
      largest = Math.max(largest, Math.abs(score - (others[at]?.[place] ?? Number.NaN)));
    }
  }
  return largest;
}

/**
 * @param {{ model: string, patch: number, stride: number }} one
 * @param {Awaited<ReturnType<typeof measureOwn>>} own
 * @param {ReturnType<typeof measurePeers>} peers
 * @param {number} gflops
 */
function describe({ model, patch, stride }, own, peers, gflops) {
  const { dense, incremental, positions, maxAbsDiff, plan, auto } = own;
  const { versions, ...rates } = peers;
  const { macs } = plan;
  const chosen = auto === 'dense' ? dense : incremental;
  const gain = incremental / dense;
  const bound = macs === null ? null : macs.dense / macs.changed;
  const peakOf = (/** @type {number} */ rate, /** @type {number | undefined} */ count) =>
    count === undefined ? null : (2 * count * rate) / 1e9 / gflops;
  const over = (/** @type {number | null} */ peer) => (peer === null ? null : chosen / peer);
  return {
    model,
    patch,
    stride,
    positions,
    positionsPerSecond: { dense, incremental, auto: chosen, ...rates },
    gain,
    auto: { strategy: auto, overDense: chosen / dense },
    over: {
      captum: over(rates.captum),
      torch: over(rates.torch),
      torchCompiled: over(rates.torchCompiled),
      articleLoop: over(rates.articleLoop),
    },
    /** Gain of computing only the changed outputs, at the speed of dense; and the achieved share of it. */
    arithmeticBound: bound,
    ofArithmeticBound: bound === null ? null : gain / bound,
    /** Useful multiply-adds a second, divided by those of the machine's matrix products. */
    ofPeak: {
      dense: peakOf(dense, macs?.dense),
      incremental: peakOf(incremental, macs?.changed),
    },
    maxAbsDiff,
    versions,
  };
}

/** @param {ReturnType<typeof describe>} row */
function summary({ model, patch, stride, positionsPerSecond, gain, over, maxAbsDiff }) {
  const { dense, incremental } = positionsPerSecond;
  const beside = over.captum === null ? '' : `, ${over.captum.toFixed(2)}x Captum`;
  return (
    `${model} ${patch}/${stride}: dense ${dense.toFixed(1)}/s, incremental ${incremental.toFixed(1)}/s ` +
    `(${gain.toFixed(2)}x)${beside}, largest difference ${maxAbsDiff.toExponential(1)}`
  );
}
