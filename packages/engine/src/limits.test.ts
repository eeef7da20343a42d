import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEngine } from './engine.js';
import { prepareImage } from './image/preprocess.js';
import { slowNetwork } from './testing/slow-network.js';
import { writeTinyBundle } from './testing/tiny-bundle.js';
import { encodeOnnx } from './testing/tiny-onnx.js';

const side = 224;
const strategies = ['dense', 'incremental'] as const;
const mebibyte = 1024 * 1024;
let root: string;
let folder: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'umbra-limits-'));
  const onnx = encodeOnnx(slowNetwork());
  folder = await writeTinyBundle(root, { name: 'slow', size: side, classes: 4, onnx });
});
afterAll(() => rm(root, { recursive: true, force: true }));

const script = fileURLToPath(new URL('../dist/testing/measure-memory.js', import.meta.url));
async function growth(strategy: string, budget: number): Promise<number> {
  const args = [script, folder, strategy, String(budget)];
  return Number((await promisify(execFile)(process.execPath, args)).stdout);
}

describe('a run of a network with large maps', () => {
  for (const strategy of strategies) {
    test(`keeps its batches to their budget, ${strategy}`, async () => {
      const budget = 256 * mebibyte;
      // What a run takes in any case: the unoccluded image's maps, and two images of each batch.
      const least = await growth(strategy, 1);
      expect(least).toBeGreaterThan(16 * mebibyte);
      expect((await growth(strategy, budget)) - least).toBeLessThan(budget);
    });
  }

  test('takes more where it may', async () => {
    const [little, much] = [await growth('dense', 1), await growth('dense', 1024 * mebibyte)];
    expect(much).toBeGreaterThan(2 * little);
  });

  for (const strategy of strategies) {
    test(`ends within a second of its cancellation, ${strategy}`, async () => {
      const engine = openEngine({ inferenceThreads: 2 });
      try {
        const model = await engine.open(folder);
        const flat = { width: side, height: side, channels: 3 as const, background: '#693' };
        const photo = await sharp({ create: flat }).png().toBuffer();
        const input = await prepareImage(photo, model.bundle.input);
        const settings = occlusionSettings.parse({ patch: 32, stride: 4, strategy });
        const stop = new AbortController();
        let cancelledAt = Number.NaN;
        const onProgress = () => {
          if (stop.signal.aborted) return;
          cancelledAt = performance.now();
          stop.abort();
        };
        const run = model.occlude(input, model.resolve(settings, input), {
          signal: stop.signal,
          onProgress,
        });
        await expect(run).rejects.toMatchObject({ code: 'cancelled' });
        expect(performance.now() - cancelledAt).toBeLessThan(1_000);
      } finally {
        await engine.close();
      }
    });
  }
});
