// What processes hold of the machine's memory.
import { readFileSync } from 'node:fs';

const everyMs = 100;

/** @param {number} pid @returns {number} bytes */
export function residentBytes(pid) {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1] ?? 0) * 1024;
}

/**
 * Watch processes until told to stop.
 *
 * @template {string} T
 * @param {Record<T, number>} pids
 * @returns {{ stop: () => Record<T, number> }} gives the most that each held
 */
export function watchMemory(pids) {
  const most = /** @type {Record<T, number>} */ ({});
  const look = () => {
    for (const name of /** @type {T[]} */ (Object.keys(pids))) {
      most[name] = Math.max(most[name] ?? 0, residentBytes(pids[name]));
    }
  };
  look();
  const timer = setInterval(look, everyMs);
  return {
    stop() {
      clearInterval(timer);
      look();
      return most;
    },
  };
}
