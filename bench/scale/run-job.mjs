// One job from its submission to its end, timed.
import { setTimeout as sleep } from 'node:timers/promises';
import { occlusionSettings } from '@umbra/shared/contracts/settings';

let runs = 0;

/**
 * Returns settings that no earlier job of this process had, at the same cost: the service would reuse scores of equal
 * settings instead of computing them.
 *
 * @param {Record<string, unknown>} settings
 * @returns {import('@umbra/shared/contracts/settings').OcclusionSettings}
 */
export function unseenSettings(settings = {}) {
  runs += 1;
  const fill = { kind: 'constant', value: runs * 1e-5, space: 'normalized' };
  return occlusionSettings.parse({ ...settings, fill });
}

/**
 * @typedef {object} JobRun
 * @property {string} id
 * @property {number} seconds from submission to the end, archive included
 * @property {number} archiveSeconds the last part, in which only the archive was written
 */

/**
 * @param {import('./fleet.mjs').Fleet} fleet
 * @param {{ dataset: string, images: number, model: string, settings: import('@umbra/shared/contracts/settings').OcclusionSettings,
 *   rowsPerShard?: number, onProgress?: (done: number) => void, limitSeconds?: number }} job
 * @returns {Promise<JobRun>}
 */
export async function runJob(fleet, job) {
  const { dataset, images, model, settings, rowsPerShard, onProgress, limitSeconds = 900 } = job;
  const start = performance.now();
  const submitted = await fleet.client.createJob({
    ...{ dataset, model, settings, reuse: false },
    ...(rowsPerShard !== undefined && { rowsPerShard }),
  });
  const late = sleep(limitSeconds * 1000, undefined, { ref: false }).then(() => {
    throw new Error(`Expected job ${submitted.id} to end within ${limitSeconds} s`);
  });
  const ended = await Promise.race([
    fleet.client.waitForJob(submitted.id, {
      pollMs: 200,
      onStatus: ({ counts }) => onProgress?.(counts.completed),
    }),
    late,
  ]);
  const seconds = (performance.now() - start) / 1000;
  if (ended.state !== 'completed' || ended.counts.completed !== images) {
    throw new Error(
      `Expected ${images} images to be completed, got ${ended.state} ${JSON.stringify(ended.counts)}`,
    );
  }
  const archiveMs = Date.parse(ended.completedAt ?? '') - Date.parse(ended.finalizingAt ?? '');
  return { id: submitted.id, seconds, archiveSeconds: archiveMs / 1000 };
}
