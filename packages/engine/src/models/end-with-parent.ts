import { Worker } from 'node:worker_threads';

/**
 * End this process once the one that started it is gone, however busy its threads are.
 *
 * @param parent Its id.
 * @param mark File that is made then: this process outlived the other, so what it ran did not end both.
 */
export function endWithParent(parent: number, mark?: string): void {
  const entry = new URL('./end-with-parent-thread.js', import.meta.url);
  new Worker(entry, { workerData: { parent, mark } });
}
