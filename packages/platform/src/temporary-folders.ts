import { lstat, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  parseTemporaryName,
  shortHost,
  startInStat,
  type TemporaryKind,
  temporaryPrefix,
} from '@umbra/shared/temporary-name';

/** A folder of another machine, or without an owner's name, is left alone for this long. */
const foreignMs = 24 * 3600 * 1000;

/** Make a folder for one piece of work, which removes it when it ends. */
export async function makeTemporaryFolder(kind: Exclude<TemporaryKind, 'onnx'>): Promise<string> {
  const { pid } = process;
  const owner = { hostname: hostname(), pid, start: (await startOf(pid)) ?? '0' };
  return mkdtemp(join(tmpdir(), temporaryPrefix(kind, owner)));
}

/** Find the temporary folders of processes that are gone. @returns Their paths. */
export async function findDeadFolders(parent = tmpdir()): Promise<string[]> {
  const dead: string[] = [];
  for (const name of await readdir(parent)) {
    const owner = parseTemporaryName(name);
    if (owner === null) continue;
    const path = join(parent, name);
    const info = await lstat(path).catch(() => null);
    if (!info?.isDirectory() || info.uid !== process.getuid?.()) continue;
    const { host, pid, start } = owner;
    const isDead =
      host === shortHost(hostname()) && pid !== null
        ? (await startOf(pid)) !== start && !(start === '0' && isRunning(pid))
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

/** When a process began, in the kernel's ticks; null if there is none, or the system does not tell. */
async function startOf(pid: number): Promise<string | null> {
  return startInStat(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
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
