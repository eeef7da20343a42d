import { createHash } from 'node:crypto';
import { lstat, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Temporary folders are named after the process that made them, by machine, id and start, so that
 * another one knows those of a killed process. A container's process ids are its own: so is its host name.
 */
const pattern =
  /^umbra-(?:upload|archive|onnx)-(?:(?<host>[0-9a-f]{8})-(?<pid>\d+)-(?<start>\d+)-)?[A-Za-z0-9]{6}$/;

/** A folder of another machine, or without an owner's name, is left alone for this long. */
const foreignMs = 24 * 3600 * 1000;

const thisHost = (): string => createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** Make a folder for one piece of work, which removes it when it ends. */
export async function makeTemporaryFolder(kind: 'upload' | 'archive'): Promise<string> {
  const start = (await startOf(process.pid)) ?? '0';
  return mkdtemp(join(tmpdir(), `umbra-${kind}-${thisHost()}-${process.pid}-${start}-`));
}

/** Find the temporary folders of processes that are gone. @returns Their paths. */
export async function findDeadFolders(parent = tmpdir()): Promise<string[]> {
  const dead: string[] = [];
  for (const name of await readdir(parent)) {
    const owner = pattern.exec(name);
    if (owner === null) continue;
    const path = join(parent, name);
    const info = await lstat(path).catch(() => null);
    if (!info?.isDirectory() || info.uid !== process.getuid?.()) continue;
    const { host, pid, start } = owner.groups ?? {};
    const isDead =
      host === thisHost()
        ? (await startOf(Number(pid))) !== start && !(start === '0' && isRunning(Number(pid)))
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
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  // The second field is a name in brackets, which may hold anything.
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
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
