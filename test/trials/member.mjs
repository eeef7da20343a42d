// One process of the service under trial: killed, frozen and started again, with its whole log kept in a file.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../scripts/lib/run.mjs';
import { startProcess } from '../../scripts/lib/server.mjs';
import { until } from './until.mjs';

/**
 * @typedef {object} Member
 * @property {string} name
 * @property {() => number} pid of the running process; 0 while there is none
 * @property {() => boolean} isUp
 * @property {() => string} log everything that its processes wrote so far
 * @property {(env?: Record<string, string>) => Promise<void>} start until it is ready; does nothing while it runs
 * @property {(signal: NodeJS.Signals) => void} signal
 * @property {() => Promise<void>} kill SIGKILL, until it is gone
 * @property {() => Promise<void>} stop SIGTERM, until it is gone
 */

/**
 * @param {object} options
 * @param {'api' | 'worker'} options.app
 * @param {string} options.name
 * @param {string} options.folder of its log
 * @param {Record<string, string>} options.env
 * @param {(log: string) => Promise<boolean>} options.isReady called with what this process wrote
 * @returns {Member}
 */
export function createMember({ app, name, folder, env, isReady }) {
  const file = join(folder, `${name}.log`);
  writeFileSync(file, '');
  /** @type {import('../../scripts/lib/server.mjs').ServerProcess | undefined} */
  let server;
  const isUp = () => server !== undefined && server.ended() === undefined;
  const log = () => readFileSync(file, 'utf8');
  /** @type {Member} */
  const member = {
    name,
    isUp,
    log,
    pid: () => (isUp() ? (server?.pid ?? 0) : 0),
    async start(more = {}) {
      if (isUp()) return;
      const before = log().length;
      const main = join(repoRoot, 'apps', app, 'dist', 'main.js');
      server = startProcess(process.execPath, [main], {
        cwd: repoRoot,
        env: { ...env, ...more },
        onOutput: (text) => appendFileSync(file, text),
      });
      await until(
        `${name} to be ready`,
        async () => !isUp() || (await isReady(log().slice(before))),
      );
      if (!isUp()) throw new Error(`${name} ${server.ended()}\n${server.output()}`);
    },
    signal(signal) {
      server?.kill(signal);
    },
    async kill() {
      member.signal('SIGKILL');
      await until(`${name} to be gone`, async () => !isUp());
    },
    async stop() {
      await server?.stop();
    },
  };
  return member;
}
