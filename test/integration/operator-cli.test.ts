import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { createS3Store } from '@umbra/platform/store/s3-store';
import type { ObjectStore } from '@umbra/platform/store/store';
import { createKeyReader } from '@umbra/platform/tenancy/key-reader';
import { createKeyVerifier } from '@umbra/platform/tenancy/verify-key';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

const umbra = fileURLToPath(new URL('../../apps/cli/bin/umbra.mjs', import.meta.url));
const s3 = inject('s3');
const verifierOf = (of: ObjectStore) => createKeyVerifier(createKeyReader(of));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umbra-operator-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Place = { readonly env: Record<string, string>; readonly store: ObjectStore };

function onDisk(): Place {
  const path = join(folder, 'store');
  return { env: { UMBRA_STORE_DIR: path }, store: createFsStore(path) };
}

function onS3(): Place {
  if (s3 === null) throw new Error('Expected an S3 server');
  const { bucket, region, endpoint, accessKeyId, secretAccessKey } = s3;
  const prefix = `operator-${randomUUID()}/`;
  const credentials = { accessKeyId, secretAccessKey };
  return {
    env: {
      UMBRA_STORE: 's3',
      UMBRA_S3_BUCKET: bucket,
      UMBRA_S3_ENDPOINT: endpoint,
      UMBRA_S3_REGION: region,
      UMBRA_S3_PREFIX: prefix,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    },
    store: createS3Store({ bucket, region, endpoint, prefix, credentials }),
  };
}

describe('on a folder', () => commands(onDisk));
describe.skipIf(s3 === null)('on S3', () => commands(onS3));

function commands(place: () => Place): void {
  let env: Place['env'];
  let store: ObjectStore;
  beforeAll(() => {
    ({ env, store } = place());
  });
  type Outcome = { code: number; stdout: string; stderr: string };
  const run = (...args: string[]): Promise<Outcome> =>
    new Promise((resolve) => {
      const options = { env: { ...process.env, ...env } };
      execFile(process.execPath, [umbra, ...args], options, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
      });
    });

  test('a key is created, works, is listed without its secret, rotated and revoked', async () => {
    const scopes = ['--scopes', 'read,submit'];
    const made = await run('keys', 'create', '--tenant', 'acme', ...scopes, '--expires', '90d');
    expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining('shown this once') });
    const text = made.stdout.trim();
    const [, prefix = '', secret = ''] = text.split('_');
    expect(made.stderr).not.toContain(secret);
    expect(await verifierOf(store)(text)).toMatchObject({
      tenant: 'acme',
      scopes: ['read', 'submit'],
    });

    const listed = await run('keys', 'list', '--tenant', 'acme', '--json');
    expect(listed.stdout).not.toContain(secret);
    expect(listed.stdout).not.toContain('hash');
    expect(JSON.parse(listed.stdout).keys).toMatchObject([{ prefix, state: 'valid' }]);

    const renewed = await run('keys', 'rotate', prefix, '--grace', '1h', '--json');
    const key = JSON.parse(renewed.stdout).key as string;
    expect(await verifierOf(store)(key)).toMatchObject({ tenant: 'acme' });
    expect(await verifierOf(store)(text)).toMatchObject({ tenant: 'acme' });

    expect(await run('keys', 'revoke', prefix)).toMatchObject({ code: 0 });
    await expect(verifierOf(store)(text)).rejects.toThrow('was revoked');
    expect((await run('keys', 'list')).stdout).toMatch(new RegExp(`${prefix} .* revoked `));
    expect(await run('keys', 'revoke', 'aaaaaaaa')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("umbra: Unknown key 'aaaaaaaa'\n"),
    });
  });

  test('tenants set changes the limits that are given and keeps the others', async () => {
    await run('tenants', 'set', 'acme', '--images', '1000', '--bytes', 'none', '--weight', '2.5');
    const set = await run('tenants', 'set', 'acme', '--images', 'default', '--positions', '7');
    expect(set.stdout).toMatch(/images +default\n.*bytes +none\n.*positions in flight +7\n/);
    const { stdout } = await run('tenants', 'show', 'acme', '--json');
    expect(JSON.parse(stdout)).toEqual({
      tenant: 'acme',
      version: 1,
      weight: 2.5,
      quotas: { bytes: null, positionsInFlight: 7 },
    });
    expect((await run('tenants', 'list')).stdout).toContain('acme\n');
  });
}

test.each([
  [['keys'], 'Expected one of create, list, rotate, revoke, got none'],
  [['keys', 'create', '--scopes', 'read'], 'Expected --tenant'],
  [['keys', 'create', '--tenant', 'a'], 'Expected --scopes'],
  [['keys', 'create', '--tenant', 'a', '--scopes', 'read,root'], "got 'read,root'"],
  [['keys', 'create', '--tenant', 'A b', '--scopes', 'read'], 'Expected a tenant'],
  [['keys', 'create', '--tenant', 'a', '--scopes', 'read', '--expires', 'soon'], '--expires'],
  [['keys', 'rotate', 'abcdefgh', '--grace', '-1h'], '--grace'],
  [['keys', 'revoke'], 'Expected one PREFIX, got none'],
  [['tenants', 'set', 'a'], 'Expected something to set'],
  [['tenants', 'set', 'a', '--images', '-5'], '--images'],
  [['tenants', 'set', 'a', '--weight', '0'], 'weight'],
  [['tenants', 'set', '../a', '--images', '5'], 'Expected a tenant'],
  [['tenants', 'show'], 'Expected one TENANT, got none'],
])('%j is refused with a reason', async (args, words) => {
  const env = { ...process.env, UMBRA_STORE_DIR: join(folder, 'none') };
  const outcome = await new Promise((resolve) => {
    execFile(process.execPath, [umbra, ...args], { env }, (error, _stdout, stderr) =>
      resolve({ code: error?.code, stderr }),
    );
  });
  expect(outcome).toEqual({ code: 2, stderr: expect.stringContaining(words) });
});
