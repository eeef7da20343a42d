import { hasCode } from '@umbra/shared/errors';
import { Histogram, type Registry } from 'prom-client';
import type { ObjectStore } from '../store/store.js';

/** Time every call to a store. A stream counts until its first bytes can be read. */
export function measureStore(store: ObjectStore, registry: Registry): ObjectStore {
  const seconds = new Histogram({
    name: 'umbra_store_operation_seconds',
    help: 'Time of a call to the object store',
    labelNames: ['operation', 'outcome'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
    registers: [registry],
  });
  const timed = async <T>(
    operation: string,
    work: Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> => {
    const start = performance.now();
    const observe = (outcome: string) =>
      seconds.observe({ operation, outcome }, (performance.now() - start) / 1000);
    try {
      const result = await work;
      observe('ok');
      return result;
    } catch (error) {
      // That nobody waits any more is no fault of the store.
      if (signal?.aborted) observe('abandoned');
      else observe(hasCode(error, 'not_found') ? 'not_found' : 'error');
      throw error;
    }
  };
  return {
    ...store,
    get: (key, signal) => timed('get', store.get(key, signal), signal),
    stream: (key, range, signal) => timed('stream', store.stream(key, range, signal), signal),
    head: (key, signal) => timed('head', store.head(key, signal), signal),
    put: (key, body) => timed('put', store.put(key, body)),
    putStream: (key, body) => timed('put_stream', store.putStream(key, body)),
    delete: (key) => timed('delete', store.delete(key)),
    check: () => timed('check', store.check()),
  };
}
