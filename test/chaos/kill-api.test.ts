import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig } from '@umbra/platform/config';
import { keys } from '@umbra/platform/store/keys';
import { openStore } from '@umbra/platform/store/open-store';
import { createS3Store } from '@umbra/platform/store/s3-store';
import type { ObjectStore } from '@umbra/platform/store/store';
import { workerConfig } from '@umbra/worker/config';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  inject,
  test,
  vi,
} from 'vitest';
import { startRedis } from '../../scripts/lib/redis.mjs';
import { type ApiProcess, spawnApi } from '../support/api-process.js';
import { until } from '../support/job-fixture.js';
import { s3Env } from '../support/s3-env.js';
import { makePhotos } from '../support/service.js';
import { spawnWorker, type WorkerProcess } from '../support/worker-process.js';

const tenant = 'default';
const abandonedMs = 2_000;
let folder: string;
let redis: Awaited<ReturnType<typeof startRedis>>;
let photos: Awaited<ReturnType<typeof makePhotos>>;
const ending: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-kill-api-'));
  photos = await makePhotos(4);
});
// Each test has a store of its own, and a Redis serves one.
beforeEach(async () => {
  redis = await startRedis({ dir: await mkdtemp(join(folder, 'redis-')) });
});
afterEach(async () => {
  await Promise.all(ending.splice(0).map((end) => end()));
  await redis?.stop();
  vi.unstubAllEnvs();
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const apiOf = async (env: Record<string, string>): Promise<ApiProcess> => {
  const api = await spawnApi(env);
  ending.push(() => api.kill());
  return api;
};
const sweeperOf = async (env: Record<string, string>): Promise<WorkerProcess> => {
  const worker = await spawnWorker({ ...env, UMBRA_STEPS: 'dispatch', UMBRA_RESUME_MS: '300' });
  ending.push(() => worker.end('SIGKILL'));
  return worker;
};
const listAll = async (store: ObjectStore, prefix: string): Promise<string[]> => {
  const all: string[] = [];
  for await (const { key } of store.list(prefix)) all.push(key);
  return all;
};

/** A form whose body comes in pieces: what is sent is whole files, the rest is held back. */
function beginForm(url: string, sent: typeof photos) {
  const boundary = 'umbra-test';
  const part = ({ name, bytes }: (typeof photos)[number]) =>
    Buffer.concat([
      Buffer.from(
        `--${boundary}\r\ncontent-disposition: form-data; name="images"; filename="${name}"\r\ncontent-type: image/png\r\n\r\n`,
      ),
      bytes,
      Buffer.from('\r\n'),
    ]);
  const client = request(url, {
    method: 'POST',
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  });
  const answer = new Promise<{ status: number; body: string }>((resolve, reject) => {
    client.on('error', reject);
    client.on('response', (response) => {
      response
        .toArray()
        .then(
          (chunks) => resolve({ status: response.statusCode ?? 0, body: chunks.join('') }),
          reject,
        );
    });
  });
  answer.catch(() => undefined);
  for (const photo of sent) client.write(part(photo));
  // The next file's headers: those before are whole.
  client.write(
    `--${boundary}\r\ncontent-disposition: form-data; name="images"; filename="last.png"`,
  );
  return {
    answer,
    end(last: (typeof photos)[number]) {
      client.end(
        Buffer.concat([
          Buffer.from('\r\ncontent-type: image/png\r\n\r\n'),
          last.bytes,
          Buffer.from(`\r\n--${boundary}--\r\n`),
        ]),
      );
    },
  };
}

const stores = inject('s3') === null ? ['fs'] : ['fs', 's3'];
describe.each(stores)('an API killed in the middle of an upload, on %s', (kind) => {
  const setUp = async () => {
    const place = join(folder, `${kind}-${Date.now()}`);
    const temporary = join(place, 'tmp');
    await mkdir(temporary, { recursive: true });
    await mkdir(join(place, 'models'));
    const env = {
      REDIS_URL: redis.url,
      UMBRA_STORE_DIR: join(place, 'store'),
      UMBRA_CACHE_DIR: join(place, 'cache'),
      UMBRA_MODELS_DIR: join(place, 'models'),
      UMBRA_ABANDONED_MS: String(abandonedMs),
      TMPDIR: temporary,
      ...(kind === 's3' ? s3Env() : {}),
    };
    return { env, temporary, store: openStore(readConfig(workerConfig, env)) };
  };
  const untilStored = (store: ObjectStore, count: number, but = '-') =>
    until(`${count} photos to be stored`, async () => {
      const found = (await listAll(store, 'tenants/')).filter(
        (key) => key.includes('/images/') && !key.includes(but),
      );
      return found.length === count ? found : null;
    });
  const datasetOf = (key = '') => key.split('/')[3] ?? '';

  test('the sweep takes all of it, and nothing of an upload that lives', async () => {
    const { env, store, temporary } = await setUp();
    const [victim, other] = [await apiOf(env), await apiOf(env)];
    beginForm(`${victim.url}/v1/datasets`, photos.slice(0, 2));
    const lost = datasetOf((await untilStored(store, 2))[0]);
    const live = beginForm(`${other.url}/v1/datasets`, photos.slice(0, 3));
    const kept = datasetOf((await untilStored(store, 3, lost))[0]);
    expect(await readdir(temporary)).toHaveLength(2);
    await victim.kill();
    await sweeperOf(env);
    await until('the photos to be deleted', async () =>
      (await listAll(store, '')).some((key) => key.includes(lost)) ? null : true,
    );
    // Looked at many times while it waits for its last photo.
    await sleep(2 * abandonedMs);
    live.end(photos[3] ?? { name: '', bytes: Buffer.alloc(0) });
    const { status, body } = await live.answer;
    expect({ status, body }).toMatchObject({ status: 201 });
    expect(JSON.parse(body)).toMatchObject({ id: kept, images: 4, refused: 0 });
    expect((await listAll(store, '')).filter((key) => !key.startsWith('.')).sort()).toEqual(
      [
        ...(await listAll(store, keys.datasetIndex(tenant))),
        ...(await listAll(store, keys.datasetFiles(tenant, kept))),
        keys.jobIndexComplete(tenant),
      ].sort(),
    );
    expect(await listAll(store, keys.images(tenant, kept))).toHaveLength(4);
    // The folder of the killed one went when the next process began.
    await until('its temporary folder to be deleted', async () =>
      (await readdir(temporary)).length === 0 ? true : null,
    );
  });

  test('photos added to an open dataset go once it is closed, and no other', async () => {
    const { env, store } = await setUp();
    const [victim, other] = [await apiOf(env), await apiOf(env)];
    const made = await fetch(`${other.url}/v1/datasets`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    const { id } = (await made.json()) as { id: string };
    const path = `/v1/datasets/${id}`;
    beginForm(`${victim.url}${path}/images`, photos.slice(0, 2));
    await untilStored(store, 2);
    await victim.kill();
    const added = beginForm(`${other.url}${path}/images`, photos.slice(1, 3));
    added.end(photos[3] ?? { name: '', bytes: Buffer.alloc(0) });
    expect((await added.answer).status).toBe(200);
    await sweeperOf(env);
    await sleep(abandonedMs + 1_000);
    expect(await listAll(store, keys.images(tenant, id))).toHaveLength(4);
    const closed = await fetch(`${other.url}${path}/close`, { method: 'POST' });
    expect(await closed.json()).toMatchObject({ state: 'ready', images: 3 });
    await until('the photo that nobody lists to be deleted', async () =>
      (await listAll(store, keys.images(tenant, id))).length === 3 ? true : null,
    );
    expect(
      await until('its marker to go', async () =>
        (await listAll(store, keys.uploads())).length === 0 ? true : null,
      ),
    ).toBe(true);
  });
});

describe.skipIf(inject('s3') === null)('on S3', () => {
  test('the sweep aborts the multipart upload of a dead process, and not of one at work', async () => {
    const place = join(folder, 'multipart');
    const env: Record<string, string> = {
      REDIS_URL: redis.url,
      UMBRA_CACHE_DIR: join(place, 'cache'),
      UMBRA_ABANDONED_MS: String(abandonedMs),
      ...s3Env(),
    };
    const store = openStore(readConfig(workerConfig, env));
    const s3 = inject('s3');
    if (s3 === null) throw new Error('Expected an S3 server');
    // Of somebody else, in the same bucket: its key is none of the service's.
    const foreign = createS3Store({
      ...s3,
      prefix: `${env.UMBRA_S3_PREFIX}photos/`,
      credentials: { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey },
    });
    const chunk = Buffer.alloc(8 * 1024 * 1024, 1);
    const isLive = new AbortController();
    async function* parts(isAtWork: boolean): AsyncGenerator<Buffer> {
      yield chunk;
      yield chunk;
      for (; !isLive.signal.aborted; await sleep(abandonedMs / 4)) if (isAtWork) yield chunk;
    }
    const started = [
      store.putStream('tenants/default/jobs/dead/archive.zip', Readable.from(parts(false))),
      store.putStream('tenants/default/jobs/live/archive.zip', Readable.from(parts(true))),
      foreign.putStream('tenants/x', Readable.from(parts(false))),
    ];
    const [dead, ...others] = started;
    const failing = expect(dead).rejects.toMatchObject({ code: 'unavailable' });
    const unfinished = async (): Promise<number> => {
      let count = 0;
      for await (const _ of store.listUnfinished(Date.now() + 60_000)) count += 1;
      return count;
    };
    await until('two uploads of the service', async () =>
      (await unfinished()) === 2 ? true : null,
    );
    await sweeperOf(env);
    await until('the dead one to go', async () => ((await unfinished()) === 1 ? true : null));
    await sleep(abandonedMs);
    isLive.abort();
    await failing;
    expect((await Promise.all(others)).every((one) => one !== undefined && one.bytes > 0)).toBe(
      true,
    );
    await foreign.delete('tenants/x');
  });
});
