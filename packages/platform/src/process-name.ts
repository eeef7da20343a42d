import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { shortHost, startInStat } from '@umbra/shared/temporary-name';

/** A process as another one of its machine, or of its container, knows it, also once it is gone. */
export type ProcessName = {
  /** 8 hexadecimal digits. */
  readonly host: string;
  readonly pid: number;
  /** When it began, in the kernel's ticks; '0' where the system does not tell. */
  readonly start: string;
};

/** What tells hosts apart; null where the system does not tell. */
export type HostFacts = {
  readonly hostname: string;
  readonly bootId: string | null;
  readonly pidNamespace: string | null;
  readonly utsNamespace: string | null;
};

/** The host's own namespace of names: Linux numbers it the same everywhere. */
const hostsUts = 'uts:[4026531838]';

export async function nameThisProcess(): Promise<ProcessName> {
  const { pid } = process;
  const [bootId, pidNamespace, utsNamespace] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => null),
    readlink('/proc/self/ns/pid').catch(() => null),
    readlink('/proc/self/ns/uts').catch(() => null),
  ]);
  const host = nameHost({ hostname: hostname(), bootId, pidNamespace, utsNamespace });
  return { host, pid, start: (await startOf(pid)) ?? '0' };
}

/**
 * Name a host whose process ids are one set. A container's are its own, as its host name is: a container that
 * is started again has the same name, and other process ids from the beginning. Where containers share the
 * machine's name, their namespace tells them apart; then one that is started again is another host.
 *
 * @returns 8 hexadecimal digits.
 */
export function nameHost({ hostname, bootId, pidNamespace, utsNamespace }: HostFacts): string {
  const ids = utsNamespace === hostsUts ? pidNamespace : null;
  return shortHost([hostname, bootId?.trim() ?? '', ids ?? ''].join(' '));
}

/** Whether a process of this machine has ended. */
export const isGone = async ({ pid, start }: Omit<ProcessName, 'host'>): Promise<boolean> =>
  (await startOf(pid)) !== start && !(start === '0' && isRunning(pid));

/** When a process began; null if there is none, or the system does not tell. */
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
