import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { shortHost, startInStat } from '@umbra/shared/temporary-name';

/**
 * A process as another one of its machine knows it, also once it is gone. A container's process ids are its
 * own: so is its host name.
 */
export type ProcessName = {
  /** 8 hexadecimal digits. */
  readonly host: string;
  readonly pid: number;
  /** When it began, in the kernel's ticks; '0' where the system does not tell. */
  readonly start: string;
};

export async function nameThisProcess(): Promise<ProcessName> {
  const { pid } = process;
  return { host: shortHost(hostname()), pid, start: (await startOf(pid)) ?? '0' };
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
