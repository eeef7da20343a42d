// Readings of the machine for the scaling measurements: cores, processes' CPU time, Redis's own counters.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Redis } from 'ioredis';
import { findOnPath } from '../../scripts/lib/run.mjs';

/** Linux reports times in this unit, whatever the kernel's own tick. */
const ticksPerSecond = 100;

/** @returns {boolean} whether processes can be pinned to a core */
export function canPin() {
  return process.platform === 'linux' && findOnPath('taskset') !== undefined;
}

/** @returns {number} */
export function countCores() {
  return availableParallelism();
}

/**
 * Returns the CPU time of a process with all its threads. Unlike wall time it hardly depends on other load of the
 * machine.
 *
 * @param {number | undefined} pid
 * @returns {number} seconds; NaN if the system does not report it
 */
export function cpuSecondsOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, which may contain any character, is in brackets; utime and stime are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return Number.NaN;
  }
}

/**
 * Returns the CPU time that the machine's cores spent on any work, including time stolen by a hypervisor.
 *
 * @returns {number} seconds; NaN if the system does not report it
 */
export function machineCpuSeconds() {
  try {
    const line = readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '';
    const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
    // Fields 4 and 5 are idle time.
    const busy = ticks.filter((_, index) => index !== 3 && index !== 4);
    return busy.reduce((sum, value) => sum + value, 0) / ticksPerSecond;
  } catch {
    return Number.NaN;
  }
}

/**
 * @typedef {object} RedisUse
 * @property {number} commands including those inside of scripts
 * @property {number} cpuSeconds CPU time of its one thread for commands
 * @property {number} bytes memory in use
 */

/**
 * @param {string} url
 * @returns {Promise<RedisUse>} counted since the server's start, except memory
 */
export async function readRedisUse(url) {
  const redis = new Redis(url);
  try {
    const info = await redis.info();
    /** @param {string} name */
    const field = (name) => Number(new RegExp(`^${name}:([0-9.]+)`, 'm').exec(info)?.[1] ?? NaN);
    return {
      commands: field('total_commands_processed'),
      cpuSeconds: field('used_cpu_user_main_thread') + field('used_cpu_sys_main_thread'),
      bytes: field('used_memory'),
    };
  } finally {
    redis.disconnect();
  }
}

/**
 * @param {readonly number[]} values
 * @returns {number} NaN for an empty list
 */
export function medianOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
