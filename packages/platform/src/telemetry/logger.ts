import { type Logger as PinoLogger, pino } from 'pino';

export type Logger = PinoLogger;

const secretPaths = ['secretAccessKey', 'accessKeyId', 'password', 'authorization', 'apiKey'];

/** JSON lines on stderr, so that stdout stays free for results. Secrets are removed by name. */
export function createLogger(name: string, level: string): Logger {
  return pino(
    {
      name,
      level,
      redact: { paths: secretPaths.flatMap((path) => [path, `*.${path}`]), remove: true },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}
