import { readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProcessName } from '@umbra/platform/process-name';

const prefix = 'umbra-outlived-';
/** A mark is read at the next start of a worker; of one that ran no suspect just then, it never is. */
const keepMs = 3_600_000;

/**
 * File that a process for suspects makes where its worker was ended without it: the image that it ran has not
 * ended the worker then. Where both end at once, as where the memory of their container does, there is none.
 */
export const outlivedPath = ({ host, pid, start }: ProcessName): string =>
  join(tmpdir(), `${prefix}${host}-${pid}-${start}`);

/** Whether the process for suspects outlived its worker. The file is deleted. */
export const takeOutlived = (worker: ProcessName): Promise<boolean> =>
  rm(outlivedPath(worker)).then(
    () => true,
    () => false,
  );

/** Delete marks that nobody has asked for. */
export async function removeOldMarks(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(prefix)) continue;
    const path = join(tmpdir(), name);
    const madeMs = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Number.POSITIVE_INFINITY,
    );
    if (Date.now() - madeMs > keepMs) await rm(path, { force: true });
  }
}
