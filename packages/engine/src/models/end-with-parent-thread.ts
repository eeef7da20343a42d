/**
 * A thread that ends its process once the one that started it is gone: a network may keep every other
 * thread, and then nothing else could.
 */
import { workerData } from 'node:worker_threads';

const watchMs = 500;
const parent = workerData as number;

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, watchMs);
