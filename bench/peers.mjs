// Measurements of peers on the same cores: runs the scripts of bench/peers in a Python that has their packages.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Returns `UMBRA_PEERS_PYTHON`, or the environment that `bench/peers/install.sh` makes; runs that script if needed.
 *
 * @param {string} root
 * @param {(message: string) => void} report
 * @returns {string | null}
 */
export function findPython(root, report) {
  const given = process.env.UMBRA_PEERS_PYTHON;
  if (given) return given;
  const python = join(root, 'bench/peers/.venv/bin/python');
  if (existsSync(python)) return python;
  report('installing the peers (PyTorch) once: this takes some minutes');
  const made = spawnSync('bash', [join(root, 'bench/peers/install.sh')], {
    stdio: ['ignore', 2, 2],
  });
  if (made.status === 0 && existsSync(python)) return python;
  report('no PyTorch: the peers are skipped');
  return null;
}

/**
 * @typedef {{ name: string, batch: number, msPerPosition: number }} PeerRow
 * @typedef {{ rows: PeerRow[], versions: Record<string, string> }} PeerResult
 * @typedef {{ model: string, patch: number, stride: number, threads: number, seconds: number }} PeerCase
 */

/**
 * Measures positions a second of each peer, at its best batch and memory format; null for one that did not run.
 *
 * @param {string} root
 * @param {string | null} python
 * @param {PeerCase} one `model` is a torchvision architecture or an ONNX file
 * @param {(message: string) => void} report
 */
export function measurePeers(root, python, one, report) {
  const run = (/** @type {string} */ script) =>
    python === null ? null : runPeer(root, python, script, one, report);
  const loop = run('article_loop.py');
  const captum = run('captum_occlusion.py');
  const torch = run('torch_dense.py');
  const isCompiled = (/** @type {PeerRow} */ { name }) => ['frozen', 'compiled'].includes(name);
  return {
    articleLoop: bestRate(loop?.rows),
    captum: bestRate(captum?.rows),
    torch: bestRate(torch?.rows.filter((row) => !isCompiled(row))),
    torchCompiled: bestRate(torch?.rows.filter(isCompiled)),
    versions: { ...torch?.versions, ...captum?.versions },
  };
}

/** @param {PeerRow[] | undefined} rows */
function bestRate(rows) {
  const best = Math.min(...(rows ?? []).map(({ msPerPosition }) => msPerPosition));
  return Number.isFinite(best) ? 1000 / best : null;
}

/**
 * @param {string} root
 * @param {string} python
 * @param {string} script
 * @param {PeerCase} one
 * @param {(message: string) => void} report
 * @returns {PeerResult | null}
 */
function runPeer(root, python, script, { model, patch, stride, threads, seconds }, report) {
  const flags = { model, patch, stride, 'session-threads': threads, seconds };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const { status, stdout, stderr } = spawnSync(
    python,
    [join(root, 'bench/peers', script), ...args, '--json'],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  );
  if (status === 0) return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  report(`${script} did not run: ${stderr.trim().split('\n').at(-1)}`);
  return null;
}
