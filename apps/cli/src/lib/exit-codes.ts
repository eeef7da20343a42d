import { hasCode } from '@umbra/shared/errors';

/** What every command ends with; docs/cli.md has the same table. */
export const exitCodes = {
  done: 0,
  /** An image, a job or the command itself failed. */
  failed: 1,
  usage: 2,
  unreachable: 3,
  /** A report is not as `--fail-if` wants it. */
  gate: 4,
  interrupted: 130,
} as const;

/** Codes of what the caller can mend by calling otherwise. */
const usageCodes = ['invalid_input', 'unauthorized', 'forbidden', 'not_found'] as const;
/** Statuses of something between here and a service that is away. */
const awayStatuses: readonly unknown[] = [502, 503, 504];

/** Whether an error says that the service, its Redis or its store does not answer. */
export function isAway(error: unknown): boolean {
  if (hasCode(error, 'unavailable')) return true;
  return error instanceof Error && 'status' in error && awayStatuses.includes(error.status);
}

/** The exit code of a command that ended with an error. */
export function exitCodeOf(error: unknown): number {
  if (usageCodes.some((code) => hasCode(error, code))) return exitCodes.usage;
  return isAway(error) ? exitCodes.unreachable : exitCodes.failed;
}
