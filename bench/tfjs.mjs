// TensorFlow.js models on each of its backends, compared with plain `predict` and onnxruntime in one run.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { openEngine, planOcclusion, prepareImage } from '@umbra/engine';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { findBundle } from './bundles.mjs';
import { findTfjsBundle } from './tfjs-models.mjs';

/** Only the grid's middle rows: WebAssembly takes seconds a position. */
const cases = [
  { model: 'vgg16', patch: 32, stride: 16, rows: 2 },
  { model: 'mobilenet', patch: 32, stride: 16, rows: 4 },
];

/**
 * @param {{ root: string, report: (message: string) => void }} options
 * @returns {Promise<{ tfjs: object[] }>} one row for each model and backend
 */
export async function benchTfjs({ root, report }) {
  const cache = process.env.UMBRA_BENCH_MODELS || join(root, '.cache/bench-models');
  const rows = [];
  for (const { model, patch, stride, rows: sampled } of cases) {
    const folder = await findTfjsBundle(cache, model);
    const onnxruntime = await measureOnnx(root, model, { patch, stride, rows: sampled }, report);
    for (const choice of ['node-gpu', 'node', 'wasm']) {
      const ran = spawnSync(
        process.execPath,
        [
          join(root, 'bench', 'tfjs-run.mjs'),
          folder,
          String(patch),
          String(stride),
          String(sampled),
        ],
        {
          env: { ...process.env, UMBRA_TFJS: choice, TF_CPP_MIN_LOG_LEVEL: '3' },
          encoding: 'utf8',
        },
      );
      if (ran.status !== 0) {
        report(
          `tfjs-${choice}: skipped: ${
            ran.stderr
              .trim()
              .split('\n')
              .find((line) => line.includes('Expected')) ?? ran.stderr.slice(-300)
          }`,
        );
        continue;
      }
      const measured = JSON.parse(ran.stdout.trim().split('\n').at(-1) ?? '');
      const row = {
        model,
        patch,
        stride,
        onnxruntime,
        ...measured,
        gain: measured.incremental / measured.dense,
      };
      rows.push(row);
      report(
        `${model} ${patch}/${stride} on ${row.backend}: predict ${row.plain.toFixed(2)}/s, dense ${row.dense.toFixed(2)}/s, incremental ${row.incremental.toFixed(1)}/s (${row.gain.toFixed(2)}x, auto: ${row.auto}), onnxruntime dense ${onnxruntime === null ? 'not measured' : `${onnxruntime.toFixed(2)}/s`}, largest difference ${row.maxAbsDiff.toExponential(1)}`,
      );
    }
  }
  return { tfjs: rows };
}

/**
 * Measures the same architecture as an ONNX bundle, dense; null if there is no bundle.
 *
 * @param {string} root
 * @param {string} model
 * @param {{ patch: number, stride: number, rows: number }} one
 * @param {(message: string) => void} report
 */
async function measureOnnx(root, model, { patch, stride, rows }, report) {
  const folder = findBundle(root, model, null, report);
  if (folder === null) return null;
  const engine = openEngine({ inferenceThreads: availableParallelism() });
  try {
    const opened = await engine.open(folder);
    const input = await prepareImage(
      readFileSync(join(root, 'samples/photos/cat.jpg')),
      opened.bundle.input,
    );
    const settings = occlusionSettings.parse({ patch, stride, strategy: 'dense' });
    const rowStart = Math.floor((planOcclusion(input, settings).rows - rows) / 2);
    const range = { rowStart, rowEnd: rowStart + rows };
    const resolved = opened.resolve(settings, input);
    await opened.occlude(input, resolved, { rows: { rowStart, rowEnd: rowStart + 1 } });
    const run = await opened.occlude(input, resolved, { rows: range });
    return (run.predictedClasses.length * 1000) / run.milliseconds;
  } finally {
    await engine.close();
  }
}
