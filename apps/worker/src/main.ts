import { readConfig } from '@umbra/platform/config';
import { workerConfig } from './config.js';
import { lowerPriority } from './lower-priority.js';
import { startWorker } from './start.js';

/** Whatever still holds the process this long after its deadline is cut off. */
const graceMs = 5_000;

try {
  // On a machine that they share, requests come before inference.
  await lowerPriority();
  const config = readConfig(workerConfig, process.env);
  const starting = startWorker(config);
  const stop = () => {
    setTimeout(() => process.exit(1), config.UMBRA_SHUTDOWN_MS + graceMs).unref();
    starting
      .then((worker) => worker.close())
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  };
  // Before it has started: it takes work as soon as it has. A second signal ends it at once.
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  await starting;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
