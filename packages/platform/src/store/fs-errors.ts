import { hasCode, invalidInput, notFound, unavailable } from '@umbra/shared/errors';

const absent = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG']);

/** Whether the system says that there is no such file. */
export const isAbsent = (error: unknown): boolean => isSystemError(error) && absent.has(error.code);

/** Run a read: what is not there, or is a folder, is `not_found`; all else is the disk's fault. */
export async function reading<T>(key: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (hasCode(error) || !isSystemError(error)) throw error;
    if (isAbsent(error)) throw notFound(`No object '${key}'`);
    throw unavailable(`The store failed to read '${key}' (${error.code})`, error);
  }
}

/** Run a write: whatever the system refuses is the store's fault, but for a name too long. */
export async function writing<T>(key: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw writeFault(error, key);
  }
}

export function writeFault(error: unknown, key: string): unknown {
  if (hasCode(error) || !isSystemError(error)) return error;
  if (error.code === 'ENAMETOOLONG') {
    return invalidInput(`Expected each segment of a key to fit a file name, got '${key}'`, error);
  }
  return unavailable(`The store failed to write '${key}' (${error.code})`, error);
}

export type SystemError = Error & {
  readonly code: string;
  readonly syscall: string;
  readonly path?: string;
};

export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}
