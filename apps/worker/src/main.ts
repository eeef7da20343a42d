import { readConfig } from '@umbra/shared';
import { workerConfig } from './config.js';
import { startWorker } from './start-worker.js';

/** Whatever still holds the process this long after its deadline is cut off. */
const graceMs = 5_000;

try {
  const config = readConfig(workerConfig, process.env);
  const worker = await startWorker(config);
  const stop = () => {
    setTimeout(() => process.exit(1), config.UMBRA_SHUTDOWN_MS + graceMs).unref();
    worker.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
