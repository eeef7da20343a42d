import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type OcclusionSettings, occlusionSettings } from '@umbra/shared/contracts/settings';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { decodeFloats } from '../encoding/npy.js';
import { openEngine } from '../engine.js';
import { prepareImage } from '../image/preprocess.js';
import type { Engine, OpenModel } from '../types.js';
import { attribute } from './attribution.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const folder = join(root, 'test/golden/captum');
const goldenFile = z.object({
  versions: z.record(z.string(), z.string()),
  networks: z.record(
    z.string(),
    z.object({
      modelSha256: z.string(),
      classIndex: z.int(),
      baseline: z.number(),
      cases: z.array(occlusionSettings).min(2),
    }),
  ),
});
const readGolden = (from: string) =>
  goldenFile.parse(JSON.parse(readFileSync(join(from, 'golden.json'), 'utf8')));
/** Captum's maps, one after the other, behind NumPy's header. */
const readMaps = (from: string, network: string) =>
  decodeFloats(readFileSync(join(from, `${network}.npy`)).subarray(128));

let engine: Engine;
beforeAll(() => {
  engine = openEngine({ inferenceThreads: 2 });
});
afterAll(() => engine.close());

/** The photo of the golden files, cut to the model's extent: nothing is resized. */
async function cutInput({ bundle: { input } }: OpenModel) {
  const photo = sharp(readFileSync(join(root, 'test/golden/dense/input.png')));
  const { width, height } = await photo.metadata();
  const left = Math.floor((width - input.width) / 2);
  const top = Math.floor((height - input.height) / 2);
  const cut = await photo
    .extract({ left, top, width: input.width, height: input.height })
    .png()
    .toBuffer();
  return prepareImage(cut, { ...input, resize: { rule: 'squash' } });
}

async function assertParity(from: string, network: string, bundle: string): Promise<void> {
  const { [network]: golden } = readGolden(from).networks;
  if (golden === undefined) throw new Error(`no golden file of ${network}`);
  const model = await engine.open(bundle);
  expect(model.bundle.files.map(({ sha256 }) => sha256)).toContain(golden.modelSha256);
  const input = await cutInput(model);
  const maps = readMaps(from, network);
  const area = input.height * input.width;
  expect(maps).toHaveLength(golden.cases.length * area);
  for (const [at, settings] of golden.cases.entries()) {
    const expected = maps.subarray(at * area, (at + 1) * area);
    for (const strategy of ['dense', 'incremental'] as const) {
      const found = await attributionOf(model, input, { ...settings, strategy });
      expect(found.classIndex).toBe(golden.classIndex);
      expect(Math.abs(found.baseline - golden.baseline)).toBeLessThan(1e-4);
      expect(largestDifference(found.map, expected)).toBeLessThan(1e-4);
    }
    // Maps without contrast would agree whatever was computed.
    expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(1e-2);
  }
}

async function attributionOf(
  model: OpenModel,
  input: Awaited<ReturnType<typeof cutInput>>,
  settings: OcclusionSettings,
) {
  const { plan, scores, baseline } = await model.occlude(input, model.resolve(settings, input));
  const [grid] = plan.grids;
  const [target] = baseline.targets;
  if (grid === undefined || target === undefined || scores[0] === undefined) {
    throw new Error('nothing was run');
  }
  const map = attribute(grid, scores[0], target.score);
  return { map, classIndex: target.index, baseline: target.score };
}

const largestDifference = (some: Float32Array, others: Float32Array): number =>
  some.reduce((most, value, at) => Math.max(most, Math.abs(value - (others[at] ?? Number.NaN))), 0);

/** @see test/golden/captum/make.py, which made the maps with Captum's Occlusion. */
describe(`attributions are those of Captum ${readGolden(folder).versions.captum}`, () => {
  test.each([
    ['dag', join(folder, 'dag')],
    ['efficientnet-lite0', join(root, 'models/efficientnet-lite0')],
  ])('%s', (network, bundle) => assertParity(folder, network, bundle), 60_000);

  // Their weights are too large to be kept, so they are made, as Captum's maps of them are.
  const python = process.env.UMBRA_PEERS_PYTHON ?? '';
  test.skipIf(!existsSync(python)).each(['alexnet', 'vgg16'])(
    '%s, made by the Python of UMBRA_PEERS_PYTHON',
    async (network) => {
      const made = mkdtempSync(join(tmpdir(), 'umbra-captum-'));
      try {
        run(python, join(root, 'models/export-torchvision.py'), network, '--random', '--out', made);
        const bundle = join(made, network);
        run(python, join(folder, 'make.py'), '--bundle', bundle, '--out', made);
        await assertParity(made, network, bundle);
      } finally {
        rmSync(made, { recursive: true, force: true });
      }
    },
    300_000,
  );
});

function run(...[program = '', ...args]: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
}
