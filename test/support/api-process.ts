import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** An API as it is deployed: a process of its own. */
export type ApiProcess = {
  readonly url: string;
  readonly pid: number;
  kill(): Promise<void>;
};

const entry = fileURLToPath(new URL('../../apps/api/dist/main.js', import.meta.url));

/** Start an API and wait until it answers. */
export async function spawnApi(env: Readonly<Record<string, string>>): Promise<ApiProcess> {
  const child = spawn(process.execPath, [entry], {
    env: { ...process.env, UMBRA_PORT: '0', UMBRA_AUTH: 'none', ...env, UMBRA_LOG_LEVEL: 'info' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    const lines: string[] = [];
    child.once('exit', () => reject(new Error(`The API ended early:\n${lines.join('\n')}`)));
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line);
      const found = /"url":"(http[^"]+)"/.exec(line);
      if (found?.[1] !== undefined) resolve(found[1]);
    });
  });
  return {
    url,
    pid: child.pid ?? 0,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
