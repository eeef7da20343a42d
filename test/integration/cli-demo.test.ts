import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { hasTerminal, runInTerminal } from '../support/terminal.js';

// The demo explains four photos with the sample model, through processes of its own.
vi.setConfig({ testTimeout: 300_000 });

const umbra = fileURLToPath(new URL('../../apps/cli/bin/umbra.mjs', import.meta.url));
const demo = fileURLToPath(new URL('../../scripts/demo.mjs', import.meta.url));

/** The API among the children of the demo, as Linux lists them. */
async function findApi(demoPid: number): Promise<number> {
  const children = await readFile(`/proc/${demoPid}/task/${demoPid}/children`, 'utf8');
  for (const pid of children.trim().split(' ')) {
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    if (words.includes('apps/api/dist/main.js')) return Number(pid);
  }
  throw new Error(`Expected the API among the children ${children}, got none`);
}

test.skipIf(process.platform !== 'linux')(
  'the demo that is kept ends when a process of its service has, and says so',
  async () => {
    const child = spawn(process.execPath, [demo, '--keep'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    const stays = new Promise<string>((resolve) => {
      child.stderr.on('data', (text: Buffer) => {
        said += text.toString();
        const [, url] = /the service stays up: API=\S+, its page (\S+);/.exec(said) ?? [];
        if (url !== undefined) resolve(url);
      });
    });
    const page = await Promise.race([stays, once(child, 'exit').then(() => null)]);
    expect(page, said).not.toBeNull();
    const answer = await fetch(page ?? '');
    expect(answer.headers.get('content-type')).toContain('text/html');
    process.kill(await findApi(child.pid ?? 0), 'SIGKILL');
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(1);
    expect(said).toContain('the service is not whole any more: the API was ended by SIGKILL');
  },
);

test.skipIf(!hasTerminal)(
  'in a terminal by python3, umbra demo --keep shows the heatmaps, and ends by Ctrl-C',
  async () => {
    const { screen, code, left } = await runInTerminal(
      [process.execPath, umbra, 'demo', '--keep'],
      {
        steps: [{ await: 'Ctrl-C ends it', send: '\x03' }],
        timeout: 280,
      },
    );
    expect(left, screen).toBe(0);
    expect(screen).toContain('4 photos in');
    expect(screen).toContain('stopping the service');
    expect(code).toBe(0);
  },
);
