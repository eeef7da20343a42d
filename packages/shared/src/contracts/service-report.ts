import { z } from 'zod';

/** One thing that `umbra doctor --service` looked at. */
export const finding = z.strictObject({
  /** What was looked at, such as `redis.policy`: stable, for scripts. */
  check: z.string(),
  /** `problem`: work is lost, stuck or wrong until it is mended; `warning`: it may be. */
  severity: z.enum(['ok', 'warning', 'problem']),
  /** What was found. */
  found: z.string(),
  /** What it means, and what to do; null where all is well. */
  meaning: z.string().nullable(),
  action: z.string().nullable(),
});
export type Finding = z.output<typeof finding>;

/** Everything that `umbra doctor --service --json` prints. */
export const serviceReport = z.strictObject({
  version: z.literal(1),
  /** Version of the command. */
  umbraVersion: z.string(),
  checkedAt: z.iso.datetime(),
  /** Whether there is no problem; warnings are none. */
  ok: z.boolean(),
  findings: z.array(finding),
});
export type ServiceReport = z.output<typeof serviceReport>;
