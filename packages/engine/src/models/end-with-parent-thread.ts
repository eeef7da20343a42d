/**
 * A thread that ends its process once the one that started it is gone: a network may keep every other
 * thread, and then nothing else could.
 */
import { writeFileSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

const watchMs = 250;
const { parent, mark } = workerData as { readonly parent: number; readonly mark?: string };

setInterval(() => {
  if (process.ppid === parent) return;
  try {
    if (mark !== undefined) writeFileSync(mark, '');
  } finally {
    process.kill(process.pid, 'SIGKILL');
  }
}, watchMs);
