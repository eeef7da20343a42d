// What a process and a folder hold, as the kernel tells it.
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @typedef {{ rssMb: number, handles: number }} Held */

/**
 * @param {number} pid
 * @returns {Held | null} null if there is no such process, or no /proc
 */
export function sampleProcess(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
    return { rssMb: kilobytes / 1024, handles: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return null;
  }
}

/**
 * @param {string} folder
 * @returns {number} bytes of all files in it, at any depth
 */
export function folderBytes(folder) {
  let bytes = 0;
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name);
    bytes += entry.isDirectory() ? folderBytes(path) : fileBytes(path);
  }
  return bytes;
}

/** @param {string} folder */
function entriesOf(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // Gone meanwhile.
    return [];
  }
}

/** @param {string} path */
function fileBytes(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
