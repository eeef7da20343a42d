import { readdir, readFile, writeFile } from 'node:fs/promises';
import { constants, getPriority, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** A tenth of the weight of others: they come first, and where there are none, nothing is lost. */
const niceness = constants.priority.PRIORITY_BELOW_NORMAL;
/** The kernel lets all users together change so many priorities of sessions a second. */
const triesPerSession = { count: 10, everyMs: 150 };

/**
 * Give this process, with all of its threads and those they start, a low priority. Never rejects:
 * a worker that may not do so still works.
 */
export async function lowerPriority(): Promise<void> {
  lower(0);
  try {
    // Linux has changed one thread. Those that run already would keep theirs, and what they start inherit it.
    for (const thread of await readdir('/proc/self/task')) lower(Number(thread));
    if (await isSessionLeader()) await lowerSession();
  } catch {
    // Another system, where the process has one priority; or a thread or session that we may not change.
  }
}

/** @param id A thread's, or 0 for this one's. */
function lower(id: number): void {
  try {
    if (getPriority(id) < niceness) setPriority(id, niceness);
  } catch {
    // It has ended, or the system refuses.
  }
}

/** Whether the session is this process's own: in one that is shared, threads' priorities count. */
async function isSessionLeader(): Promise<boolean> {
  const stat = await readFile('/proc/self/stat', 'utf8');
  // The command's name, in parentheses, may contain anything.
  const [, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(session) === process.pid;
}

/**
 * Lower the priority of this process's session: where the kernel groups processes by session, those of
 * threads count within one alone.
 *
 * @see https://man7.org/linux/man-pages/man7/sched.7.html "The autogroup feature"
 */
async function lowerSession(): Promise<void> {
  const path = '/proc/self/autogroup';
  const [, current] = / nice (-?\d+)/.exec(await readFile(path, 'utf8')) ?? [];
  if (Number(current) >= niceness) return;
  for (let tries = 0; tries < triesPerSession.count; tries += 1) {
    try {
      await writeFile(path, String(niceness));
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await sleep(triesPerSession.everyMs);
    }
  }
}
