// Orders to die, which preload.mjs obeys in the workers.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { until } from '../trials/until.mjs';

const preload = fileURLToPath(new URL('preload.mjs', import.meta.url));

/** @typedef {ReturnType<typeof createOrders>} Orders */

/** @param {string} folder */
export function createOrders(folder) {
  mkdirSync(folder, { recursive: true });
  const log = `${folder}.log`;
  const obeyed = (/** @type {string} */ name) =>
    (existsSync(log) ? readFileSync(log, 'utf8') : '').split('\n').filter((line) => line === name)
      .length;
  let count = 0;
  return {
    env: {
      NODE_OPTIONS: `--import=${pathToFileURL(preload).href}`,
      UMBRA_CHAOS_ORDERS: folder,
    },
    /**
     * Kills the first worker that touches an object of this pattern, and waits until that has happened.
     *
     * @param {string} pattern
     * @param {number} timeoutMs
     * @returns {Promise<boolean>} whether one did in time
     */
    async killOnce(pattern, timeoutMs) {
      count += 1;
      const name = `once-${count}`;
      const path = join(folder, name);
      writeFileSync(path, pattern);
      await until('a worker to touch it', async () => obeyed(name) > 0, { timeoutMs }).catch(
        () => undefined,
      );
      rmSync(path, { force: true });
      return obeyed(name) > 0;
    },
    /**
     * Kills every worker that touches an object of this pattern, until it is withdrawn.
     *
     * @param {string} pattern
     */
    killAlways(pattern) {
      count += 1;
      const name = `always-${count}`;
      writeFileSync(join(folder, name), pattern);
      return {
        deaths: () => obeyed(name),
        withdraw: () => rmSync(join(folder, name), { force: true }),
      };
    },
  };
}
