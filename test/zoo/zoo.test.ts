import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addModel, describeFolder, type OpenModel, openEngine } from '@umbra/engine';
import { at } from '@umbra/shared/assert';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listNetworks, restoreNetwork, type ZooNetwork } from './restore.mjs';

const networks = await listNetworks();

/** Largest difference of a logit between the strategies, as a part of its spread over positions. */
const tolerance = 1e-4;
/** Least spread of a logit, as a part of its size: below, rounding would hide an error or feign one. */
const minSpread = 1e-3;
/** Largest part by which counted multiply-adds may differ from those of make.py. */
const maxMiscount = 0.02;
/**
 * `UMBRA_ZOO=all` explains at nine positions, and adds the largest networks; without it, the three
 * positions in the middle of the others, which have all that is peculiar to these.
 */
const isLong = process.env.UMBRA_ZOO === 'all';
const rows = isLong ? { rowStart: 0, rowEnd: 3 } : { rowStart: 1, rowEnd: 2 };
const largest = new Set(['maxvit_t', 'vit_b_16']);
const chosen = networks.filter(({ name }) => isLong || !largest.has(name));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-zoo-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('the zoo has 25 networks and more', () => {
  expect(networks.length).toBeGreaterThanOrEqual(25);
});

it.each(chosen)(
  '$name is added, counted, and explained alike dense and incremental',
  async (network) => {
    const bundle = await add(network);
    const engine = openEngine({ inferenceThreads: 1 });
    try {
      const model = await engine.open(bundle);
      const { macs } = await model.plan(resolve(model, 'dense'));
      expect.soft(Math.abs((macs?.dense ?? 0) / network.macs - 1)).toBeLessThan(maxMiscount);
      const dense = await logitsOf(model, 'dense');
      for (const { spread, size } of dense.map(rangeOf)) {
        expect(spread / size).toBeGreaterThan(minSpread);
      }
      const incremental = await logitsOf(model, 'incremental');
      expect(largestDifference(dense, incremental)).toBeLessThan(tolerance);
    } finally {
      await engine.close();
      await rm(bundle, { recursive: true });
    }
  },
  180_000,
);

/** Restore a network and add it as `umbra models add` does, which also checks it. @returns Its bundle. */
async function add({ name, file, macs: _, ...preprocessing }: ZooNetwork): Promise<string> {
  const source = join(folder, 'files', name);
  const files = await restoreNetwork(name, source);
  const claims = { ...preprocessing, name, output: 'logits' };
  const staged = await describeFolder(join(source, file), claims);
  const listed = staged.bundle.files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 }));
  expect(new Set(listed)).toEqual(new Set(files));
  const added = await addModel(join(folder, 'models'), staged);
  await rm(source, { recursive: true });
  return added.folder;
}

/** Nine patches of a third of the image's sides, none clipped. */
function resolve(model: OpenModel, strategy: 'dense' | 'incremental') {
  const { height, width } = model.bundle.input;
  const patch = { height: Math.floor(height / 3), width: Math.floor(width / 3) };
  const settings = occlusionSettings.parse({
    patch,
    stride: { y: patch.height, x: patch.width },
    edge: 'valid',
    target: { kind: 'top', k: 5 },
    score: 'logit',
    strategy,
  });
  return model.resolve(settings, { height, width });
}

/** Logits of the image's top classes: [positions] each. */
async function logitsOf(model: OpenModel, strategy: 'dense' | 'incremental') {
  const { height, width, channels } = model.bundle.input;
  const size = { height, width };
  const input = {
    ...size,
    tensor: seededImage((channels === 'L' ? 1 : 3) * height * width),
    frame: { photo: size, resized: size, crop: { top: 0, left: 0, bottom: height, right: width } },
  };
  const run = await model.occlude(input, resolve(model, strategy), { rows });
  expect(run.provenance.strategy).toBe(strategy);
  return run.scores;
}

/** Noise in [-2, 2), about the range of normalised photos. */
function seededImage(length: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return (state / 2_147_483_647) * 4 - 2;
  });
}

function rangeOf(scores: Float32Array) {
  const [min, max] = [Math.min(...scores), Math.max(...scores)];
  return { spread: max - min, size: Math.max(Math.abs(min), Math.abs(max)) };
}

/** The largest difference of a score, as a part of its target's spread over positions. */
function largestDifference(some: readonly Float32Array[], others: readonly Float32Array[]): number {
  const relative = some.map((scores, target) => {
    const differences = [...scores].map((score, index) =>
      Math.abs(score - at(at(others, target), index)),
    );
    return Math.max(...differences) / rangeOf(scores).spread;
  });
  return Math.max(...relative);
}
