import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Prints the priorities of a process's threads, some of which ran before it was lowered, and of its session. */
const script = `
  import { readdirSync, readFileSync, existsSync } from 'node:fs';
  import { readFile } from 'node:fs/promises';
  import { getPriority } from 'node:os';
  import { lowerPriority } from '${join(import.meta.dirname, '../dist/lower-priority.js')}';
  await readFile(process.execPath);
  const path = '/proc/self/autogroup';
  const readSession = () => (existsSync(path) ? readFileSync(path, 'utf8').trim() : '');
  const before = readSession();
  await lowerPriority();
  const threads = readdirSync('/proc/self/task').map((id) => getPriority(Number(id)));
  console.log(JSON.stringify({ threads, before, after: readSession() }));
`;

type Told = { threads: number[]; before: string; after: string };

/** @param isLeader Whether the process has a session of its own. */
function run(isLeader: boolean): Promise<Told> {
  const node = [process.execPath, '--input-type=module', '--eval', script];
  const [command = '', ...args] = isLeader ? ['setsid', '--wait', ...node] : node;
  return new Promise((resolve, reject) => {
    execFile(command, args, (error, output) => {
      if (error) reject(error);
      else resolve(JSON.parse(output) as Told);
    });
  });
}

const nice = constants.priority.PRIORITY_BELOW_NORMAL;

test.skipIf(!existsSync('/proc/self/task'))(
  'all threads of a worker have a low priority, those that ran before it as well',
  async () => {
    const { threads } = await run(false);
    expect(threads.length).toBeGreaterThan(4);
    expect(new Set(threads)).toEqual(new Set([nice]));
  },
);

test.skipIf(!existsSync('/proc/self/autogroup'))(
  "a session that is a worker's own has a low priority, a shared one keeps its own",
  async () => {
    expect((await run(true)).after).toMatch(new RegExp(` nice ${nice}$`));
    const shared = await run(false);
    expect(shared.after).toBe(shared.before);
  },
);
