import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extractArchive } from '@umbra/cli/archive';
import { encodeNpy, openEngine, prepareImage } from '@umbra/engine';
import { keys } from '@umbra/platform/store/keys';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  uploadPhotos,
  waitForJob,
} from '../support/service.js';

const settings = { patch: 8, stride: 4 };
const rows = 7;
let service: TestService;

beforeAll(async () => {
  service = await startService({ UMBRA_WINDOW_IMAGES: '8' });
  await service.startWorker();
  await service.startWorker();
});
afterAll(() => service.close());

const scoresOf = async (job: string, image = 'img_00000000') =>
  Buffer.from(
    await (await fetch(`${service.url}/v1/jobs/${job}/images/${image}/scores.npy`)).arrayBuffer(),
  );

describe('a job', () => {
  test('gives the scores of the engine alone, to the last bit, whatever the shard size', async () => {
    const photos = await makePhotos(2);
    const dataset = await uploadPhotos(service.url, photos);
    const engine = openEngine({ inferenceThreads: 2 });
    const model = await engine.open(join(service.folder, 'models', 'tiny'));
    const input = await prepareImage(photos[0]?.bytes ?? Buffer.alloc(0), model.bundle.input);
    const resolved = model.resolve(occlusionSettings.parse(settings), input);
    const run = await model.occlude(input, resolved);
    await engine.close();
    expect(run.plan.rows).toBe(rows);
    const expected = encodeNpy(run.scores[0] ?? new Float32Array(), [rows, rows]);
    for (const rowsPerShard of [1, 2, 3, 5, rows, undefined]) {
      const work = { dataset, model: 'tiny', settings, reuse: false };
      const job = await submitJob(service.url, { ...work, rowsPerShard });
      const status = await waitForJob(service.url, job);
      expect(status).toMatchObject({
        state: 'completed',
        counts: { total: 2, completed: 2, failed: 0 },
        positions: { done: 98, total: 98 },
      });
      expect((await scoresOf(job)).equals(expected)).toBe(true);
    }
  });

  test('fails an image that was damaged in the store, alone', async () => {
    const dataset = await uploadPhotos(service.url, await makePhotos(3));
    const manifest = (await service.store.get(keys.manifest('default', dataset))).toString();
    const second = JSON.parse(manifest.split('\n')[1] ?? '') as { sha256: string };
    await service.store.put(keys.image('default', dataset, second.sha256), 'damaged');
    const job = await submitJob(service.url, { dataset, model: 'tiny', settings });
    expect((await waitForJob(service.url, job)).counts).toEqual({
      total: 3,
      completed: 2,
      failed: 1,
    });
    const images = (await (await fetch(`${service.url}/v1/jobs/${job}/images`)).json()) as {
      data: { state: string; error: { code: string; message: string } | null }[];
    };
    expect(images.data.map(({ state }) => state)).toEqual(['completed', 'failed', 'completed']);
    expect(images.data[1]?.error).toMatchObject({ code: 'integrity' });
    expect(images.data[1]?.error?.message).toContain("Expected image 'photo-1.png' to have sha256");
  });

  test('fails with the reason when its model is missing', async () => {
    const dataset = await uploadPhotos(service.url, await makePhotos(1));
    await service.store.delete(keys.manifest('default', dataset));
    const job = await submitJob(service.url, { dataset, model: 'tiny', settings });
    const status = await waitForJob(service.url, job);
    expect(status).toMatchObject({ state: 'failed', error: { code: 'not_found' } });
  });

  test('has an archive of every result with its digest, and of every error', async () => {
    const photos = await makePhotos(3);
    const dataset = await uploadPhotos(service.url, photos);
    const job = await submitJob(service.url, { dataset, model: 'tiny', settings });
    await waitForJob(service.url, job);
    const folder = await mkdtemp(join(tmpdir(), 'umbra-archive-'));
    try {
      const response = await fetch(`${service.url}/v1/jobs/${job}/archive`);
      expect(response.headers.get('content-type')).toBe('application/zip');
      const { writeFile } = await import('node:fs/promises');
      await writeFile(join(folder, 'a.zip'), Buffer.from(await response.arrayBuffer()));
      await extractArchive(join(folder, 'a.zip'), join(folder, 'out'));
      const read = (name: string) => readFile(join(folder, 'out', name));
      const sums = (await read('SHA256SUMS')).toString().trim().split('\n');
      expect(sums).toHaveLength(3 * 5);
      for (const line of sums) {
        const [digest, name = ''] = line.split('  ');
        expect(
          createHash('sha256')
            .update(await read(name))
            .digest('hex'),
        ).toBe(digest);
      }
      const manifest = (await read('manifest.jsonl')).toString().trim().split('\n');
      expect(manifest.map((line) => (JSON.parse(line) as { state: string }).state)).toEqual([
        'completed',
        'completed',
        'completed',
      ]);
      expect(JSON.parse((await read('provenance.json')).toString())).toMatchObject({ job });
      expect((await read('photo-0__img_00000000/scores.npy')).equals(await scoresOf(job))).toBe(
        true,
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('continues where it was when Redis loses everything', async () => {
    const dataset = await uploadPhotos(service.url, await makePhotos(40));
    const job = await submitJob(service.url, {
      dataset,
      model: 'tiny',
      settings: { patch: 8, stride: 1 },
    });
    await waitForJob(service.url, job, ({ counts }) => counts.completed >= 3);
    const redis = new Redis(service.redis.url);
    await redis.flushall();
    redis.disconnect();
    // Any worker that starts finds the unfinished job in the store.
    await service.startWorker();
    const status = await waitForJob(service.url, job);
    expect(status.counts).toEqual({ total: 40, completed: 40, failed: 0 });
  });

  test('has no more images in the queue than the window', async () => {
    const dataset = await uploadPhotos(service.url, await makePhotos(30));
    const job = await submitJob(service.url, {
      dataset,
      model: 'tiny',
      settings: { patch: 8, stride: 2 },
    });
    const redis = new Redis(service.redis.url);
    let most = 0;
    const status = await waitForJob(service.url, job, ({ state }) => {
      redis.keys(`umbra:merge:merge-${job}-1-img_????????`).then(
        (found) => {
          most = Math.max(most, found.length);
        },
        () => undefined,
      );
      return state === 'completed';
    });
    redis.disconnect();
    expect(status.counts.completed).toBe(30);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(8);
  });
});
