import { readConfig } from '@umbra/platform/config';
import { workerConfig } from './config.js';
import { lowerPriority } from './lower-priority.js';
import { endHard } from './runtime/late-inference.js';
import { startWorker } from './start.js';

/** Whatever still holds the process this long after its deadline is cut off. */
const graceMs = 5_000;
const heavySteps = ['shard', 'merge', 'report'] as const;

try {
  const config = readConfig(workerConfig, process.env);
  // On a machine that they share, requests and dispatching come before inference and drawing.
  if (heavySteps.some((step) => config.UMBRA_STEPS.includes(step))) await lowerPriority();
  const starting = startWorker(config);
  const stop = () => {
    setTimeout(endHard, config.UMBRA_SHUTDOWN_MS + graceMs).unref();
    starting
      .then((worker) => worker.close())
      .then(
        () => process.exit(0),
        () => endHard(),
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
