import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  parseTemporaryName,
  shortHost,
  type TemporaryKind,
  temporaryPrefix,
} from '@umbra/shared/temporary-name';
import { isGone, nameThisProcess } from './process-name.js';

/** A folder of another machine, or without an owner's name, is left alone for this long. */
const foreignMs = 24 * 3600 * 1000;

/** Make a folder for one piece of work, which removes it when it ends. */
export async function makeTemporaryFolder(
  kind: Exclude<TemporaryKind, 'onnx'>,
  parent = tmpdir(),
): Promise<string> {
  const { pid, start } = await nameThisProcess();
  return mkdtemp(join(parent, temporaryPrefix(kind, { hostname: hostname(), pid, start })));
}

/** Find the temporary folders of processes that are gone. @returns Their paths. */
export async function findDeadFolders(parent = tmpdir()): Promise<string[]> {
  const dead: string[] = [];
  const host = shortHost(hostname());
  for (const name of await readdir(parent)) {
    const owner = parseTemporaryName(name);
    if (owner === null) continue;
    const path = join(parent, name);
    const info = await lstat(path).catch(() => null);
    if (!info?.isDirectory() || info.uid !== process.getuid?.()) continue;
    const { pid, start } = owner;
    const isDead =
      owner.host === host && pid !== null && start !== null
        ? await isGone({ pid, start })
        : Date.now() - (await newestMs(path, info.mtimeMs)) > foreignMs;
    if (isDead) dead.push(path);
  }
  return dead;
}

/** Remove the temporary folders of processes that are gone. @returns Their paths. */
export async function removeDeadFolders(parent?: string): Promise<string[]> {
  const dead = await findDeadFolders(parent);
  for (const path of dead) await rm(path, { recursive: true, force: true });
  return dead;
}

/** When anything right below a folder was last written. */
async function newestMs(folder: string, ownMs: number): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const times = names.map((name) =>
    lstat(join(folder, name)).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    ),
  );
  return Math.max(ownMs, ...(await Promise.all(times)));
}
