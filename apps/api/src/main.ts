import { readConfig } from '@umbra/platform/config';
import { apiConfig } from './config.js';
import { startApi } from './start.js';

try {
  const api = await startApi(readConfig(apiConfig, process.env));
  const stop = () => {
    api.close().then(
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
