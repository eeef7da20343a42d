import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { writeTinyBundle } from '@umbra/engine/testing';
import { expect, test } from 'vitest';
import { makePhotos } from '../support/service.js';

const umbra = fileURLToPath(new URL('../../apps/cli/bin/umbra.mjs', import.meta.url));
/** Chromium's software Vulkan (Debian: chromium, libvulkan1), unless another is named. */
const driver = process.env.VK_ICD_FILENAMES ?? '/usr/lib/chromium/vk_swiftshader_icd.json';

/** Scores of a run, which follow the header of 128 bytes; and its provenance. */
async function explain(root: string, provider: string) {
  const out = join(root, provider);
  const flags = [
    '--model',
    join(root, 'tiny'),
    '--provider',
    provider,
    '--inference-threads',
    '1',
    '--patch',
    '8',
    '--stride',
    '8',
  ];
  const env = { ...process.env, VK_ICD_FILENAMES: driver };
  const args = [
    umbra,
    'explain',
    join(root, 'photo.png'),
    ...flags,
    '--strategy',
    'dense',
    '--out',
    out,
  ];
  await promisify(execFile)(process.execPath, args, { env });
  const [photo = ''] = await readdir(out);
  const npy = await readFile(join(out, photo, 'scores.npy'));
  const scores = new Float32Array(
    npy.buffer.slice(npy.byteOffset + 128, npy.byteOffset + npy.length),
  );
  const { provenance } = JSON.parse(await readFile(join(out, photo, 'result.json'), 'utf8'));
  return { scores, provenance };
}

test.skipIf(!existsSync(driver))('webgpu gives the scores of the cpu, and is named', async () => {
  const root = await mkdtemp(join(tmpdir(), 'umbra-webgpu-'));
  try {
    await writeTinyBundle(root);
    const [photo] = await makePhotos(1);
    await writeFile(join(root, 'photo.png'), photo?.bytes ?? '');
    const [cpu, gpu] = [await explain(root, 'cpu'), await explain(root, 'webgpu')];
    expect(gpu.provenance).toMatchObject({ device: 'webgpu', strategy: 'dense' });
    expect(gpu.scores).toHaveLength(cpu.scores.length);
    expect(new Set(gpu.scores).size).toBeGreaterThan(1);
    for (const [at, score] of cpu.scores.entries()) expect(gpu.scores[at]).toBeCloseTo(score, 5);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
