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

/** How long ago a time was, such as `3 min ago`. */
export function formatAge(time: string, now: number = Date.now()): string {
  const minutes = Math.floor(Math.max(0, now - Date.parse(time)) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  return minutes < 48 * 60
    ? `${Math.floor(minutes / 60)} h ago`
    : `${Math.floor(minutes / (24 * 60))} days ago`;
}
