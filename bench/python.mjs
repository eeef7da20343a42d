// How long umbra_client.torch.explain takes beside Captum's Occlusion, from tensors to tensors, in turns in one run: a
// service of its own with one worker, and as many threads for either side.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { startServices } from '../scripts/lib/services.mjs';
import { findPython } from './peers.mjs';
import { describeRounds, readRounds, summarizeRounds } from './python/rounds.mjs';

const script = 'umbra_torch.py';
const model = 'resnet18';
const timeoutMs = 3_600_000;

/**
 * @param {{ root: string, quick: boolean, images?: number | undefined, report: (message: string) => void }} options
 * @returns {Promise<object | null>} null where it was left out
 */
export async function benchPython({ root, quick, images = quick ? 2 : 16, report }) {
  const python = findPython(root, report);
  if (python === null) return null;
  const threads = availableParallelism();
  const dir = mkdtempSync(join(tmpdir(), 'umbra-bench-'));
  // The service has no model but the one that is sent.
  mkdirSync(join(dir, 'models'));
  const env = {
    UMBRA_STORE: 'fs',
    UMBRA_MODELS_DIR: join(dir, 'models'),
    UMBRA_INFERENCE_THREADS: String(threads),
    UMBRA_REQUESTS_PER_MINUTE: '1000000',
  };
  const services = await startServices({ dir, workers: 1, env });
  try {
    const flags = { model, images, threads, rounds: quick ? 1 : 5 };
    const output = await runScript(root, python, flags, services.url);
    if (output === null) {
      report(`${script} did not run: umbra_client is not compared with Captum`);
      return null;
    }
    const summary = summarizeRounds(readRounds(output));
    for (const line of describeRounds(summary)) report(line);
    return { ...summary, threads, workers: 1, load: loadavg()[0] };
  } finally {
    await services.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * @param {string} root
 * @param {string} python
 * @param {Record<string, string | number>} flags
 * @param {string} url of the service
 * @returns {Promise<string | null>} its output; null if it failed, which it has then told on standard error
 */
async function runScript(root, python, flags, url) {
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(python, [join(root, 'bench/peers', script), ...args, '--json'], {
    env: {
      ...process.env,
      UMBRA_API_URL: url,
      UMBRA_API_KEY: '',
      PYTHONPATH: join(root, 'clients/python/src'),
      PYTHONDONTWRITEBYTECODE: '1',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: timeoutMs,
  });
  const ended = new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', resolve);
  });
  const output = await text(child.stdout);
  return (await ended) === 0 ? output : null;
}
