// Resident memory of processes.
import { readFileSync } from 'node:fs';

const everyMs = 100;

/** @param {number} pid @returns {number} bytes */
export function residentBytes(pid) {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1] ?? 0) * 1024;
}

/**
 * Samples the memory of processes until `stop` is called.
 *
 * @template {string} T
 * @param {Record<T, number>} pids
 * @returns {{ stop: () => Record<T, number> }} `stop` returns the max of each process, bytes
 */
export function watchMemory(pids) {
  const max = /** @type {Record<T, number>} */ ({});
  const sample = () => {
    for (const name of /** @type {T[]} */ (Object.keys(pids))) {
      max[name] = Math.max(max[name] ?? 0, residentBytes(pids[name]));
    }
  };
  sample();
  const timer = setInterval(sample, everyMs);
  return {
    stop() {
      clearInterval(timer);
      sample();
      return max;
    },
  };
}
