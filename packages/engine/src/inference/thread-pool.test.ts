import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEngine } from '../engine.js';
import { prepareImage } from '../image/preprocess.js';
import { shareTensor } from '../image/shared-image.js';
import { readBundle } from '../models/bundle.js';
import type { ImageBatch } from '../occlusion/image-batch.js';
import { writeTinyBundle } from '../testing/tiny-bundle.js';
import { createModelThreads } from './model-threads.js';
import { startThread } from './thread-handle.js';
import { openThreadPool } from './thread-pool.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-threads-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const weightBytes = 1024 ** 3;
const nowhere = { top: 0, left: 0, bottom: 0, right: 0 };
const size = { height: 32, width: 32 };
const batchOf = (value = 0): ImageBatch => ({
  original: new SharedArrayBuffer(3 * 32 * 32 * 4),
  filled: shareTensor(new Float32Array(3 * 32 * 32).fill(value)),
  size,
  boxes: [nowhere, { ...nowhere, bottom: 8, right: 8 }],
});

/** A thread of a test's own: what faults need. */
async function writeThread(name: string, source: string): Promise<URL> {
  const path = join(folder, `${name}.mjs`);
  await writeFile(path, source);
  return pathToFileURL(path);
}

/** The real thread, in a thread that ends when a batch is filled with `fatal`. */
const fatal = -99;
const fragileSource = `
  import { parentPort } from 'node:worker_threads';
  await import('${new URL('../../dist/inference/thread.js', import.meta.url).href}');
  parentPort.on('message', ({ content }) => {
    if (content.kind === 'run' && new Float32Array(content.filled)[0] === ${fatal}) process.exit(7);
  });
`;

describe('a thread that dies', () => {
  test('fails its own batch only, and the next one runs on a new thread', async () => {
    const path = await writeTinyBundle(folder);
    const stored = { ...(await readBundle(path)), folder: path };
    const pool = openThreadPool(1, await writeThread('fragile', fragileSource));
    try {
      const threads = createModelThreads(pool, stored, { weightBytes });
      const before = await threads.run(batchOf(1));
      const runs = [threads.run(batchOf(fatal)), threads.run(batchOf(1))];
      const [dead, waited] = await Promise.allSettled(runs);
      expect(dead).toMatchObject({ status: 'rejected', reason: { code: 'internal' } });
      expect(waited).toEqual({ status: 'fulfilled', value: before });
    } finally {
      await pool.close();
    }
  });

  test('at its start reports why, and is not started again until asked', async () => {
    const starts = join(folder, 'starts');
    const entry = await writeThread(
      'broken',
      `import { appendFileSync } from 'node:fs';
       appendFileSync(${JSON.stringify(starts)}, '.');
       throw new Error('no library here');`,
    );
    const path = await writeTinyBundle(folder);
    const stored = { ...(await readBundle(path)), folder: path };
    const pool = openThreadPool(1, entry);
    await expect(createModelThreads(pool, stored, { weightBytes }).load()).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('no library here') as string,
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await readFile(starts, 'utf8')).toBe('.');
    await pool.close();
  });
});

test('replies that overtake each other reach their own requests', async () => {
  const entry = await writeThread(
    'reversing',
    `import { parentPort } from 'node:worker_threads';
     const held = [];
     parentPort.on('message', (request) => {
       if (held.push(request) < 2) return;
       for (const { id, content } of held.reverse()) {
         const reply = { kind: 'loaded', name: content.digest, version: '1', device: 'cpu' };
         parentPort.postMessage({ id, content: reply });
       }
     });`,
  );
  const thread = startThread(entry);
  const loaded = await Promise.all(['first', 'second'].map((digest) => thread.load(digest)));
  expect(loaded.map(({ name }) => name)).toEqual(['first', 'second']);
  await thread.close();
  expect(thread.ended()).toBe(true);
});

test('models open while others run, and each answers for itself', async () => {
  const paths = await Promise.all(
    [1, 2, 3].map((seed) => writeTinyBundle(folder, { name: `seed-${seed}`, seed })),
  );
  const photo = await sharp({ create: { width: 40, height: 40, channels: 3, background: '#369' } })
    .png()
    .toBuffer();
  const settings = occlusionSettings.parse({
    patch: 8,
    stride: 4,
    target: { kind: 'class', index: 0 },
  });
  const runAll = async (atOnce: boolean) => {
    const engine = openEngine({ inferenceThreads: 2 });
    const one = async (path: string) => {
      const model = await engine.open(path);
      const prepared = await prepareImage(photo, model.bundle.input);
      const run = await model.occlude(prepared, model.resolve(settings, prepared));
      return run.scores.flatMap((scores) => [...scores]);
    };
    try {
      if (atOnce) return await Promise.all(paths.map(one));
      const results: number[][] = [];
      for (const path of paths) results.push(await one(path));
      return results;
    } finally {
      await engine.close();
    }
  };
  const alone = await runAll(false);
  expect(await runAll(true)).toEqual(alone);
  expect(new Set(alone.map(String)).size).toBe(paths.length);
});

test('closing lets a running batch end and cancels what waits', async () => {
  const path = await writeTinyBundle(folder);
  const stored = { ...(await readBundle(path)), folder: path };
  const pool = openThreadPool(1);
  const threads = createModelThreads(pool, stored, { weightBytes });
  await threads.load();
  const runs = Promise.allSettled([1, 2, 3].map(() => threads.run(batchOf())));
  await new Promise(setImmediate);
  await pool.close();
  const [running, ...waiting] = await runs;
  expect(running?.status).toBe('fulfilled');
  for (const one of waiting) expect(one).toMatchObject({ reason: { code: 'cancelled' } });
  await expect(threads.run(batchOf())).rejects.toMatchObject({ code: 'cancelled' });
});

describe('a model too large for every thread to hold whole', () => {
  const scoresOf = async (weightBudget: number, strategy: 'dense' | 'incremental') => {
    const path = await writeTinyBundle(folder);
    const engine = openEngine({ inferenceThreads: 3, weightBytes: weightBudget });
    try {
      const model = await engine.open(path);
      const photo = await sharp({
        create: { width: 40, height: 40, channels: 3, background: '#693' },
      })
        .png()
        .toBuffer();
      const settings = occlusionSettings.parse({ patch: 8, stride: 4, strategy });
      const prepared = await prepareImage(photo, model.bundle.input);
      const run = await model.occlude(prepared, model.resolve(settings, prepared));
      return run.scores.flatMap((scores) => [...scores]);
    } finally {
      await engine.close();
    }
  };

  for (const strategy of ['dense', 'incremental'] as const) {
    test(`gives the same scores, ${strategy}`, async () => {
      const everywhere = await scoresOf(weightBytes, strategy);
      expect(await scoresOf(1, strategy)).toEqual(everywhere);
      expect(new Set(everywhere).size).toBeGreaterThan(1);
    });
  }
});
