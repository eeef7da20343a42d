// Positions a second of the dense engine, beside PyTorch on the same weights, in one run.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { openEngine, planOcclusion, prepareImage } from '@umbra/engine';
import { occlusionSettings } from '@umbra/shared';

const model = 'efficientnet-lite0';
const patch = 32;
const stride = 16;

/**
 * @param {{ root: string, quick: boolean, report: (message: string) => void }} options
 * @returns {Promise<object[]>} one row a model
 */
export async function benchEngine({ root, quick, report }) {
  const lanes = availableParallelism();
  const repeats = quick ? 2 : 5;
  // The peer before and the engine after would see different machines under load: both take the
  // best of several repeats, which is what each can do when nothing disturbs it.
  const dense = await denseRate(root, lanes, repeats);
  report(`umbra dense: ${dense.rate.toFixed(1)} positions/s on ${lanes} lanes`);
  const torch = torchRate(root, lanes, dense.positions, report);
  const row = {
    model,
    patch,
    stride,
    positions: dense.positions,
    positionsPerSecond: { dense: dense.rate, torch: torch?.rate ?? null },
    ratio: torch === null ? null : dense.rate / torch.rate,
    peer: torch?.versions ?? null,
  };
  if (row.ratio !== null) report(`umbra / PyTorch: ${row.ratio.toFixed(2)}`);
  return [row];
}

/**
 * @param {string} root
 * @param {number} lanes
 * @param {number} repeats
 */
async function denseRate(root, lanes, repeats) {
  const engine = openEngine({ lanes });
  try {
    const open = await engine.open(join(root, 'models', model));
    const photo = readFileSync(join(root, 'samples/photos/cat.jpg'));
    const input = await prepareImage(photo, open.bundle.input);
    const settings = occlusionSettings.parse({ patch, stride });
    const { positions } = planOcclusion(input, settings);
    await open.occlude(input, settings);
    let best = Number.POSITIVE_INFINITY;
    for (let repeat = 0; repeat < repeats; repeat++) {
      const start = performance.now();
      await open.occlude(input, settings);
      best = Math.min(best, performance.now() - start);
    }
    return { rate: (positions * 1000) / best, positions };
  } finally {
    await engine.close();
  }
}

/**
 * The fair peer: PyTorch batched at its best batch size and memory format.
 *
 * @param {string} root
 * @param {number} threads
 * @param {number} positions
 * @param {(message: string) => void} report
 */
function torchRate(root, threads, positions, report) {
  const python = findPython(root, report);
  if (python === null) return null;
  const args = [join(root, 'bench/peers/torch_dense.py'), '--json'];
  args.push('--model', join(root, 'models', model, 'model.onnx'));
  args.push('--patch', String(patch), '--stride', String(stride));
  args.push('--threads', String(threads), '--positions', String(positions));
  const output = execFileSync(python, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 2] });
  const result = JSON.parse(output.trim().split('\n').at(-1) ?? '');
  report(`PyTorch, best of its rows: ${(1000 / result.bestMsPerPosition).toFixed(1)} positions/s`);
  return { rate: 1000 / result.bestMsPerPosition, versions: result.versions };
}

/**
 * `UMBRA_PEERS_PYTHON`, or the environment that `bench/peers/install.sh` makes (made here if it can be).
 *
 * @param {string} root
 * @param {(message: string) => void} report
 * @returns {string | null}
 */
function findPython(root, report) {
  const given = process.env.UMBRA_PEERS_PYTHON;
  if (given) return given;
  const python = join(root, 'bench/peers/.venv/bin/python');
  if (existsSync(python)) return python;
  report('installing the peers (PyTorch) once: this takes some minutes');
  const made = spawnSync('bash', [join(root, 'bench/peers/install.sh')], {
    stdio: ['ignore', 2, 2],
  });
  if (made.status === 0 && existsSync(python)) return python;
  report('no PyTorch: the peer is left out');
  return null;
}
