import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { alexNetFeatures, chainNetwork, encodeOnnx, writeTinyBundle } from '@umbra/engine/testing';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const umbra = fileURLToPath(new URL('../../apps/cli/bin/umbra.mjs', import.meta.url));
const photos = fileURLToPath(new URL('../../samples/photos', import.meta.url));
const cat = join(photos, 'cat.jpg');
let folder: string;
let model: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-views-'));
  const thin = alexNetFeatures.map((layer) =>
    layer.op === 'conv' ? { ...layer, channels: 4 } : layer,
  );
  const onnx = encodeOnnx(chainNetwork(thin));
  model = await writeTinyBundle(folder, { name: 'small-alexnet', size: 128, onnx });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, UMBRA_MODELS_DIR: join(folder, 'none') };
  return new Promise((resolve) => {
    execFile(process.execPath, [umbra, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

test('layers prints a table, or JSON', async () => {
  const table = await run('layers', model);
  expect(table.stdout).toMatch(
    /Conv t3 .* 4 x 15 x 15 +5x5 pad 2 +400 +51 +8 +7 +conv:1 features:3/,
  );
  const json = await run('layers', model, '--json');
  expect(JSON.parse(json.stdout)).toMatchObject({ model: 'small-alexnet', input: { height: 128 } });
});

test.each([
  ['filters', ['filters', 'MODEL', '--layer', 'features:0', '--mode', 'rgb']],
  ['filters on their own scales', ['filters', 'MODEL', '--layer', 'features:0', '--scale', 'own']],
  ['collated filters', ['filters', 'MODEL', '--layer', 'conv:1', '--mode', 'collated']],
  ['activations', ['activations', cat, '--model', 'MODEL', '--layer', 'features:2']],
  ['a receptive field', ['receptive-field', cat, '--model', 'MODEL', '--layer', 'conv:2']],
  ['the input', ['input', cat, '--model', 'MODEL']],
  ['an occluded input', ['input', cat, '--model', 'MODEL', '--at', '2,3', '--fill', 'blur:8']],
])('umbra draws %s', async (name, args) => {
  const out = join(folder, `${name}.png`);
  const { code, stderr } = await run(
    ...args.map((one) => one.replace('MODEL', model)),
    '--out',
    out,
  );
  expect([code, stderr.trim()]).toEqual([0, out]);
  expect((await sharp(out).stats()).channels.some(({ stdev }) => stdev > 10)).toBe(true);
});

test('article draws every figure, and its page shows them all', async () => {
  const out = join(folder, 'article');
  const { code } = await run('article', '--model', model, '--photos', photos, '--out', out);
  expect(code).toBe(0);
  const page = await readFile(join(out, 'index.html'), 'utf8');
  const shown = [...page.matchAll(/<img src="([^"]+)"/g)].map(([, file]) => file ?? '');
  const pictures = (await readdir(out)).filter((file) => file.endsWith('.png'));
  expect([...shown].sort()).toEqual(pictures.sort());
  expect(shown).toEqual(
    expect.arrayContaining([
      ...['input-cat.png', 'occlusion-cat.png', 'occlusion-cat-article.png', 'field-growth.png'],
      // The article's layers: 0 in three modes, 3 and 6 in two, since they do not read colours.
      ...['filters-0-rgb.png', 'filters-0-channels.png', 'filters-0-collated.png'],
      ...['filters-0-rgb-article.png', 'filters-3-channels-article.png'],
      ...['filters-3-channels.png', 'filters-3-collated.png', 'filters-6-collated.png'],
    ]),
  );
  for (const file of pictures) expect((await sharp(join(out, file)).metadata()).format).toBe('png');
});

describe('a view that cannot be drawn', () => {
  test.each([
    [['layers'], 'Expected one MODEL'],
    [['filters', 'MODEL', '--layer', 'conv:9', '--out', 'x.png'], "Unknown layer 'conv:9'"],
    [['filters', 'MODEL', '--layer', 'features:1', '--out', 'x.png'], 'Expected a convolution'],
    [
      ['filters', 'MODEL', '--layer', 'conv:1', '--mode', 'rgb', '--out', 'x.png'],
      'three channels',
    ],
    [['filters', 'MODEL', '--layer', 'conv:1', '--cell', '0', '--out', 'x.png'], '--cell'],
    [['filters', 'MODEL', '--layer', 'conv:1', '--scale', 'none', '--out', 'x.png'], '--scale'],
    [
      ['filters', 'MODEL', '--layer', 'conv:1', '--out', 'x.gif'],
      'Expected --out FILE.png or FILE.npy',
    ],
    [
      [
        'receptive-field',
        cat,
        '--model',
        'MODEL',
        '--layer',
        'conv:1',
        '--unit',
        '99,0',
        '--out',
        'x.png',
      ],
      'from 0,0 to 14,14',
    ],
    [['activations', cat, '--model', 'MODEL', '--layer', '14', '--out', 'x.png'], 'feature maps'],
    [['input', cat, '--model', 'MODEL', '--at', '1', '--out', 'x.png'], 'Expected --at ROW,COLUMN'],
    [['article', '--model', 'vgg16', '--out', 'x'], 'models/export-torchvision.py vgg16'],
  ])('is refused with a reason: %j', async (args, words) => {
    const { code, stderr } = await run(...args.map((one) => one.replace('MODEL', model)));
    expect(stderr).toContain(words);
    expect(code).toBeGreaterThan(0);
  });
});
