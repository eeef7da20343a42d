import { invalidInput } from '@umbra/shared/errors';

const units = { m: 60, h: 3600, d: 24 * 3600 } as const;

/** `30m`, `24h` or `90d`, in ms. @throws {AppError} `invalid_input` */
export function parseDuration(text: string, flag: string): number {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) {
    throw invalidInput(`Expected ${flag} to be a time as 30m, 24h or 90d, got '${text}'`);
  }
  return Number(count) * units[unit as keyof typeof units] * 1000;
}
