import { hasCode } from '@umbra/shared/errors';

/** What Redis refuses for the moment, whatever was asked of it; a script's error has it further inside. */
const redisReplies =
  /(?:^|: -)(?:OOM|LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|EXECABORT|TRYAGAIN|NOREPLICAS|MISCONF|BUSY|NOSCRIPT|UNBLOCKED) /;
/** What ioredis says of a connection, by text where it gives neither a code nor a class. */
const redisConnection =
  /Connection is closed|enableOfflineQueue|Stream isn't writeable|Command timed out/;
/** What a disk or a network refuses, whichever file or peer was asked for. */
const systemCodes: ReadonlySet<unknown> = new Set([
  ...['EIO', 'ENOSPC', 'EROFS', 'EDQUOT', 'ESTALE', 'EMFILE', 'ENFILE', 'ENODEV', 'ENXIO'],
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'],
  ...['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'ERR_STREAM_PREMATURE_CLOSE', 'NR_CLOSED'],
]);

/**
 * Whether an error is a fault of the store, of Redis or of what lies between: never the data's, and
 * over once they are well again. The one place that decides it.
 */
export function isOutage(error: unknown): boolean {
  if (hasCode(error)) return error.code === 'unavailable';
  if (!(error instanceof Error)) return false;
  const { code } = error as { readonly code?: unknown };
  return (
    systemCodes.has(code) ||
    error.name === 'MaxRetriesPerRequestError' ||
    redisConnection.test(error.message) ||
    (error.name === 'ReplyError' && redisReplies.test(`${error.message} `))
  );
}
