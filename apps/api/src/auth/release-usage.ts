/**
 * Ignore the failure of an update of a tenant's usage: while Redis is down, the next recount of the store
 * makes up for it.
 */
export const releaseQuietly = (update: Promise<void>): Promise<void> =>
  update.catch(() => undefined);
