import { createHash } from 'node:crypto';

/** What temporary folders are for: a body that is received, an archive that is written, a converted model, indexes of rows. */
export type TemporaryKind = 'upload' | 'archive' | 'onnx' | 'rows';

/** The process that made a folder. A container's process ids are its own: so is its host name. */
export type FolderOwner = {
  readonly hostname: string;
  readonly pid: number;
  /** When it began, in the kernel's ticks; `0` where the system does not tell. */
  readonly start: string;
};

const pattern =
  /^umbra-(?:upload|archive|onnx|rows)-(?:(?<host>[0-9a-f]{8})-(?<pid>\d+)-(?<start>\d+)-)?[A-Za-z0-9]{6}$/;

/** The part of a host's name that names of folders hold. */
export const shortHost = (hostname: string): string =>
  createHash('sha256').update(hostname).digest('hex').slice(0, 8);

/**
 * What a temporary folder's name begins with, for `mkdtemp`. It names the process that made it, so that
 * another one knows the folders of a killed process.
 */
export const temporaryPrefix = (
  kind: TemporaryKind,
  { hostname, pid, start }: FolderOwner,
): string => `umbra-${kind}-${shortHost(hostname)}-${pid}-${start}-`;

/** @returns Whose folder has this name, null each where it does not say; null if it is no temporary folder. */
export function parseTemporaryName(name: string) {
  const found = pattern.exec(name);
  if (found === null) return null;
  const { host = null, pid, start = null } = found.groups ?? {};
  return { host, pid: pid === undefined ? null : Number(pid), start };
}

/**
 * @param stat Content of `/proc/PID/stat`, null if there is none.
 * @returns When the process began; null if there is none.
 */
export function startInStat(stat: string | null): string | null {
  // The second field is a name in brackets, which may hold anything.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  // One whose parent has not asked for its end is as good as gone.
  return fields === undefined || fields[0] === 'Z' ? null : (fields[19] ?? null);
}
