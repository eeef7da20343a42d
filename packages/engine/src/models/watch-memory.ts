import { readFile } from 'node:fs/promises';

/** A process fills some hundred megabytes in this time. */
const everyMs = 100;

/**
 * Watch how much memory a process takes, by the most that it has had resident, as Linux counts it. Nothing is seen
 * where there is no `/proc`.
 *
 * @param onExceeded Called each time that more than `maxBytes` is seen, until the watch is stopped.
 * @returns Stops the watch.
 */
export function watchMemory(
  { pid }: { readonly pid?: number | undefined },
  maxBytes: number,
  onExceeded: () => void,
): () => void {
  let isStopped = false;
  const look = async (): Promise<void> => {
    const bytes = await peakBytes(pid);
    if (!isStopped && bytes > maxBytes) onExceeded();
  };
  const timer = setInterval(look, everyMs);
  return () => {
    isStopped = true;
    clearInterval(timer);
  };
}

/** @returns 0 for a process that has ended, or never started. */
async function peakBytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
