import type { ExecFileException } from 'node:child_process';

/** Exit code of a program; 1 where it was not found, a signal ended it, or it wrote too much. */
export function exitCodeOf(error: ExecFileException | null): number {
  if (error === null) return 0;
  return typeof error.code === 'number' ? error.code : 1;
}
