import { randomUUID } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { Finding } from '@umbra/shared/contracts/service-report';
import { reportError } from '@umbra/shared/errors';
import type { CommonConfig } from '../config.js';
import { defaultTenant, keys } from '../store/keys.js';
import { readModelCheck } from '../store/model-checks.js';
import { listServiceModels, verifyModel } from '../store/models.js';
import type { ObjectStore } from '../store/store.js';
import { clockFinding, ok, problem, warning } from './findings.js';

/** A file system's times may be a second apart from its clock. */
const maxSkewMs = 5_000;
const minFreeShare = 0.1;
const minFreeBytes = 1024 ** 3;

/** Check each right that the service needs at its store, and the store's clock. */
export async function checkStoreRights(store: ObjectStore): Promise<readonly Finding[]> {
  const key = keys.health(randomUUID());
  const startMs = Date.now();
  const steps: readonly (readonly [string, () => Promise<boolean>])[] = [
    ['write', () => store.put(key, key).then(() => true)],
    ['read', async () => (await store.get(key)).toString() === key],
    ['list', () => isListed(store, key)],
    ['list unfinished writes', () => hasUnfinished(store).then(() => true)],
    ['delete', () => store.delete(key).then(async () => (await store.head(key)) === null)],
  ];
  let skewMs: number | undefined;
  for (const [right, work] of steps) {
    const failure = await work().then(
      (isRight) => (isRight ? null : 'other than what was written came back'),
      (error: unknown) => reportError(error).message,
    );
    if (failure !== null) return [rightFinding(right, failure)];
    if (right !== 'write') continue;
    const written = await store.head(key);
    skewMs = written === null ? undefined : written.modifiedMs - (startMs + Date.now()) / 2;
  }
  return [
    ok('store.rights', `${store.kind}: ${steps.map(([right]) => right).join(', ')}`),
    ...(skewMs === undefined ? [] : [clockFinding('store.clock', { skewMs, limitMs: maxSkewMs })]),
  ];
}

const rightFinding = (right: string, failure: string): Finding =>
  problem({
    check: 'store.rights',
    found: `cannot ${right}: ${failure}`,
    meaning: 'The service needs this right for all that it keeps',
    action:
      'Give the right to the account of the service, or mend the store: see docs/operations/deploy.md',
  });

async function isListed(store: ObjectStore, key: string): Promise<boolean> {
  for await (const found of store.list('.health/')) if (found.key === key) return true;
  return false;
}

async function hasUnfinished(store: ObjectStore): Promise<boolean> {
  for await (const _ of store.listUnfinished(Date.now())) return true;
  return false;
}

/** Check that every published model is what its digest says, byte for byte, and runs. */
export async function checkModels(store: ObjectStore): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { name, digest } of await listServiceModels(store)) {
    const check = `model.${name}`;
    const damage = await verifyModel(store, { tenant: defaultTenant, name, digest }).then(
      () => null,
      (error: unknown) => reportError(error).message,
    );
    const reason = damage === null ? (await readModelCheck(store, { name, digest }))?.reason : null;
    if (damage !== null) {
      findings.push(
        problem({
          check,
          found: damage,
          meaning: 'Workers refuse the model, and its jobs fail',
          action: `Publish it again: umbra models publish, or start the API with its bundle`,
        }),
      );
    } else if (reason) {
      findings.push(
        warning({
          check,
          found: `does not run: ${reason}`,
          meaning: 'Jobs with this model are refused',
          action: 'Publish a bundle that runs (umbra models check)',
        }),
      );
    } else findings.push(ok(check, `sha256 ${digest}`));
  }
  return findings;
}

/** Check the room on this machine's disks: where the store is a folder, and for temporary files. */
export async function checkDisks(
  config: Pick<CommonConfig, 'UMBRA_STORE' | 'UMBRA_STORE_DIR'>,
): Promise<readonly Finding[]> {
  const folders = [tmpdir(), ...(config.UMBRA_STORE === 'fs' ? [config.UMBRA_STORE_DIR] : [])];
  return Promise.all(
    folders.map(async (folder) => {
      const { bavail, blocks, bsize } = await statfs(folder);
      const found = `${((bavail * bsize) / 1024 ** 3).toFixed(1)} GiB free at ${folder}`;
      if (bavail / blocks >= minFreeShare && bavail * bsize >= minFreeBytes)
        return ok('disk', found);
      return warning({
        check: 'disk',
        found,
        meaning: 'A full disk ends uploads and results',
        action: 'Free some room, or take a larger disk',
      });
    }),
  );
}
