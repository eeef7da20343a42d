import type { Finding } from '@umbra/shared/contracts/service-report';
import { reportError } from '@umbra/shared/errors';

export const ok = (check: string, found: string): Finding => ({
  check,
  severity: 'ok',
  found,
  meaning: null,
  action: null,
});

type Trouble = Pick<Finding, 'check' | 'found'> & {
  readonly meaning: string;
  readonly action: string;
};
export const warning = (trouble: Trouble): Finding => ({ ...trouble, severity: 'warning' });
export const problem = (trouble: Trouble): Finding => ({ ...trouble, severity: 'problem' });

/** Run a check; one that cannot be made is a problem by itself, and keeps no other. */
export async function guard(
  check: string,
  work: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await work();
  } catch (error) {
    return [
      problem({
        check,
        found: reportError(error).message,
        meaning: 'This could not be checked',
        action: 'Mend what the message names, and check again',
      }),
    ];
  }
}

/** How far another clock is from this one, ms, as seen by an exchange that began and ended at these times. */
export function clockFinding(
  check: string,
  { skewMs, limitMs }: { readonly skewMs: number; readonly limitMs: number },
): Finding {
  const found = `${Math.round(skewMs)} ms from this machine's clock`;
  if (Math.abs(skewMs) <= limitMs) return ok(check, found);
  return warning({
    check,
    found,
    meaning:
      'Times of one machine are compared with those of another: ages, expiries and signatures',
    action: 'Synchronize the clocks of all machines (NTP)',
  });
}
