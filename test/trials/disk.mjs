// A small disk of the trial's own, so that it can be full or read-only without harm to the machine's.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

/**
 * @typedef {object} SmallDisk
 * @property {string} folder
 * @property {string | null} why it is no disk of its own: full and read-only cannot be tried; null if it is one
 * @property {(isReadOnly: boolean) => void} setReadOnly
 * @property {() => void} unmount
 */

/**
 * @param {string} folder
 * @param {number} megabytes
 * @returns {SmallDisk}
 */
export function mountSmallDisk(folder, megabytes) {
  mkdirSync(folder, { recursive: true });
  const mounted = mount(['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]);
  const unmount = () => {
    process.off('exit', unmount);
    // Lazily: a process that was just killed may still hold a file.
    if (mounted === null) spawnSync('umount', ['--lazy', folder]);
  };
  // Before the folder of the trial is removed.
  process.prependListener('exit', unmount);
  return {
    folder,
    why: mounted === null ? null : `no tmpfs can be mounted: ${mounted}`,
    setReadOnly(isReadOnly) {
      const failed = mount(['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, folder]);
      if (failed !== null) throw new Error(failed);
    },
    unmount,
  };
}

/**
 * @param {readonly string[]} args
 * @returns {string | null} what failed
 */
function mount(args) {
  const { status, error, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status === 0) return null;
  return (error?.message ?? stderr).trim() || `mount ended with ${status}`;
}
