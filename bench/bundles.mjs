// Bundles of the networks for the engine's benchmark.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Returns the folder of a model's bundle: the repository's own, one under `UMBRA_BENCH_MODELS`, or one that
 * `models/export-torchvision.py` makes there with seeded random weights, which run as fast as trained ones.
 *
 * @param {string} root
 * @param {string} model
 * @param {string | null} python
 * @param {(message: string) => void} report
 * @returns {string | null} null if it cannot be made
 */
export function findBundle(root, model, python, report) {
  const cache = process.env.UMBRA_BENCH_MODELS || join(root, '.cache/bench-models');
  for (const folder of [join(root, 'models', model), join(cache, model)]) {
    if (existsSync(join(folder, 'bundle.json'))) return folder;
  }
  if (python === null) return null;
  report(`making a bundle of ${model} with random weights`);
  const script = join(root, 'models/export-torchvision.py');
  const made = spawnSync(python, [script, model, '--random', '--out', cache], {
    stdio: ['ignore', 2, 2],
  });
  return made.status === 0 ? join(cache, model) : null;
}
