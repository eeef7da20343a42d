import { Worker } from 'node:worker_threads';

/** End this process once the one that started it is gone, however busy its threads are. @param parent Its id. */
export function endWithParent(parent: number): void {
  new Worker(new URL('./end-with-parent-thread.js', import.meta.url), { workerData: parent });
}
