import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { consultKnownStore, createKnownStore } from '@umbra/platform/redis/known-store';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest';
import { startRedis } from '../../scripts/lib/redis.mjs';

const umbra = fileURLToPath(new URL('../../apps/cli/bin/umbra.mjs', import.meta.url));
const logger = pino({ level: 'silent' });
const [mine, other] = [
  '11111111-1111-4111-8111-111111111111',
  '22222222-2222-4222-8222-222222222222',
];
const refused = {
  code: 'unavailable',
  message: expect.stringMatching(/is its volume mounted\?.*delete the key 'umbra:store' of Redis/),
};
const patience = { timeout: 30_000, interval: 20 };
let folder: string;
let server: Awaited<ReturnType<typeof startRedis>>;
const opened: Redis[] = [];

const connect = (url = server.url) => {
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  opened.push(redis);
  return redis;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-known-'));
  server = await startRedis({ dir: folder });
});
beforeEach(() => connect().flushall());
afterEach(() => {
  for (const redis of opened.splice(0)) redis.disconnect();
});
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('a process', () => {
  test('has Redis remember its store, and starts on no other', async () => {
    await createKnownStore(connect(), logger).admit(mine);
    await createKnownStore(connect(), logger).admit(mine);
    const later = createKnownStore(connect(), logger);
    await expect(later.admit(other)).rejects.toMatchObject(refused);
    await expect(later.permitNew()).rejects.toMatchObject(refused);
    // What the words of the refusal say to do.
    await connect().del('umbra:store');
    await later.permitNew();
    await later.admit(other);
    expect(await connect().get('umbra:store')).toBe(other);
  });

  test('that started without Redis takes its word once it is there', async () => {
    const kept = { dir: join(folder, 'kept'), appendonly: true };
    const first = await startRedis(kept);
    await connect(first.url).set('umbra:store', mine);
    await first.stop();
    const store = createKnownStore(connect(first.url), logger);
    await store.admit(other);
    await expect(store.permitNew()).rejects.toMatchObject({ code: 'unavailable' });
    const back = await startRedis({ ...kept, port: first.port });
    onTestFinished(back.stop);
    await vi.waitFor(() => expect(store.admit(other)).rejects.toMatchObject(refused), patience);
  });

  test('that was refused stays so while Redis is away', async () => {
    const port = server.port;
    await connect().set('umbra:store', mine);
    const redis = connect();
    const store = createKnownStore(redis, logger);
    await expect(store.admit(other)).rejects.toMatchObject(refused);
    await server.stop();
    await vi.waitFor(() => expect(redis.status).not.toBe('ready'), patience);
    await expect(store.admit(other)).rejects.toMatchObject(refused);
    server = await startRedis({ dir: folder, port });
  });
});

test('Redis that was emptied is told again', async () => {
  await createKnownStore(connect(), logger, 10).admit(mine);
  const redis = connect();
  await redis.flushall();
  await vi.waitFor(async () => expect(await redis.get('umbra:store')).toBe(mine), patience);
});

describe('a command', () => {
  test('takes the store that Redis knows, and tells it nothing', async () => {
    const redis = connect();
    await consultKnownStore(server.url).admit(mine);
    await consultKnownStore(server.url).permitNew();
    expect(await redis.get('umbra:store')).toBeNull();
    await redis.set('umbra:store', mine);
    await consultKnownStore(server.url).admit(mine);
    await expect(consultKnownStore(server.url).admit(other)).rejects.toMatchObject(refused);
    await expect(consultKnownStore(server.url).permitNew()).rejects.toMatchObject(refused);
  });

  test('works where Redis cannot be reached', async () => {
    const store = consultKnownStore('redis://127.0.0.1:9');
    await store.admit(mine);
    await store.permitNew();
  });
});

describe('umbra keys create', () => {
  const create = (dir: string): Promise<{ code: number; stderr: string }> =>
    new Promise((resolve) => {
      const env = { ...process.env, REDIS_URL: server.url, UMBRA_STORE_DIR: dir };
      const args = [umbra, 'keys', 'create', '--tenant', 'acme', '--scopes', 'read'];
      execFile(process.execPath, args, { env }, (error, _, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stderr });
      });
    });
  const expectRefusal = async (dir: string) => {
    const { code, stderr } = await create(dir);
    expect(code).toBe(3);
    expect(stderr).toContain(`store ${mine}`);
    expect(stderr).toContain("delete the key 'umbra:store'");
  };

  test('makes no store where Redis knows of one', async () => {
    await connect().set('umbra:store', mine);
    const dir = join(folder, 'mount-point');
    await expectRefusal(dir);
    expect(await readdir(folder)).not.toContain('mount-point');
    await connect().del('umbra:store');
    expect(await create(dir)).toMatchObject({ code: 0 });
  });

  test('writes to no other store than Redis knows', async () => {
    await connect().set('umbra:store', mine);
    const dir = join(folder, 'another');
    await createFsStore(dir).check();
    await expectRefusal(dir);
    expect(await readdir(dir)).not.toContain('api-keys');
  });
});
