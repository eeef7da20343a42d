// The store is away, full, read-only, slow, or answers with errors.
import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastsMs } from '../fault.mjs';
import { mustGet } from '../must-get.mjs';

/** @typedef {import('../fault.mjs').Fault} Fault */

const blockBytes = 1024 * 1024;

/**
 * @param {string} name
 * @param {import('../../trials/s3-proxy.mjs').S3Mode} mode
 * @param {number} share of the requests
 * @returns {Fault}
 */
const s3Fault = (name, mode, share) => ({
  name,
  stores: ['s3'],
  kills: 0,
  async run(scene) {
    const proxy = mustGet(scene.fleet.proxy, 'a proxy');
    const before = proxy.harmed();
    proxy.set(mode, share);
    await sleep(lastsMs(scene, { min: 8, max: 20, short: 4 }));
    proxy.set('pass');
    return { note: `${proxy.harmed() - before} requests` };
  },
});

/** @type {Fault} */
const diskFull = {
  name: 'disk full',
  stores: ['fs'],
  kills: 0,
  async run(scene) {
    const disk = mustGet(scene.fleet.disk, 'a disk');
    if (disk.why !== null) return { skipped: disk.why };
    const filler = join(disk.folder, 'filler');
    await fill(filler);
    await sleep(lastsMs(scene, { min: 8, max: 15, short: 4 }));
    await rm(filler);
    return undefined;
  },
};

/** @param {string} path */
async function fill(path) {
  const file = await open(path, 'w');
  try {
    for (const size of [blockBytes, 4_096]) {
      const block = Buffer.alloc(size, 1);
      while ((await file.write(block)).bytesWritten === size);
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  } finally {
    await file.close();
  }
}

/** @type {Fault} */
const readOnly = {
  name: 'store read-only',
  stores: ['fs'],
  kills: 0,
  async run(scene) {
    const disk = mustGet(scene.fleet.disk, 'a disk');
    if (disk.why !== null) return { skipped: disk.why };
    await untilReadOnly(() => disk.setReadOnly(true));
    await sleep(lastsMs(scene, { min: 8, max: 15, short: 4 }));
    disk.setReadOnly(false);
    return undefined;
  },
};

/**
 * A disk cannot become read-only while a file is open for writing.
 *
 * @param {() => void} attempt
 */
async function untilReadOnly(attempt) {
  for (let left = 200; ; left--) {
    try {
      return attempt();
    } catch (error) {
      if (left === 0) throw error;
      await sleep(10);
    }
  }
}

/** @type {Fault} */
const volumeAway = {
  name: 'volume away',
  stores: ['fs'],
  kills: 0,
  async run(scene) {
    const folder = mustGet(scene.fleet.storeFolder, 'a folder');
    await rename(folder, `${folder}-away`);
    await sleep(lastsMs(scene, { min: 10, max: 20, short: 4 }));
    // A service that makes the folder anew has a second truth, which nobody looks for.
    const isRemade = existsSync(folder);
    await rm(folder, { recursive: true, force: true });
    await rename(`${folder}-away`, folder);
    return isRemade
      ? { broken: ['the root of the store was made anew while it was away'] }
      : undefined;
  },
};

/** @type {readonly Fault[]} */
export const storeFaults = [
  s3Fault('S3 down', 'down', 1),
  s3Fault('S3 slow', 'slow', 0.7),
  s3Fault('S3 answers 500', 'errors', 1),
  s3Fault('S3 answers 500 at times', 'errors', 0.4),
  s3Fault('S3 resets connections', 'resets', 0.5),
  diskFull,
  readOnly,
  volumeAway,
];
