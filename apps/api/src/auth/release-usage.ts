/** Give back what was booked; while Redis is away, the next count of the store does it. */
export const releaseQuietly = (released: Promise<void>): Promise<void> =>
  released.catch(() => undefined);
