// How long a service takes to go on after a fault.
import { performance } from 'node:perf_hooks';
import { until } from '../trials/until.mjs';
import { failedImages, finishedImages } from './verify.mjs';

const recoveryMs = 90_000;

/**
 * Images that are at work as a fault begins: those that a dead worker held come last.
 *
 * @param {import('../trials/fleet.mjs').Fleet} fleet
 * @param {string} job
 * @returns {Promise<string[]>} none where Redis does not answer
 */
export async function heldImages({ redis }, job) {
  const ids = await Promise.all(
    ['shard', 'merge'].map((queue) => redis.client.lrange(`umbra:${queue}:active`, 0, -1)),
  ).catch(() => []);
  return ids.flat().flatMap((id) => (id.includes(job) ? (/img_\d+/.exec(id) ?? []) : []));
}

/**
 * @typedef {object} Recovery
 * @property {number} firstMs from the fault's end to the first image finished after it
 * @property {number} heldMs from the fault's end until every image that was at work at its beginning is finished
 */

/**
 * @param {import('../trials/fleet.mjs').Fleet} fleet
 * @param {string} job
 * @param {{ endedAt: number, held: readonly string[] }} fault `endedAt` by performance.now()
 * @returns {Promise<Recovery | null>} null if the job had no image left to finish
 * @throws {Error} if none is finished in time
 */
export async function measureRecovery(fleet, job, { endedAt, held }) {
  const before = await finishedImages(fleet, job);
  const since = () => Math.round(performance.now() - endedAt);
  /** @type {number | null} */
  let firstMs = null;
  return until(
    'an image to be finished after a fault',
    async () => {
      const done = await finishedImages(fleet, job);
      if (done.size > before.size) firstMs ??= since();
      const isAllDone = await haveEnded(fleet, job, done, held);
      if (firstMs !== null && isAllDone) return { firstMs, heldMs: since() };
      const isEnded = firstMs === null && (await hasEnded(fleet, job));
      return isEnded ? { firstMs: Number.NaN, heldMs: Number.NaN } : null;
    },
    { timeoutMs: recoveryMs },
  ).then((recovery) => (Number.isNaN(recovery.firstMs) ? null : recovery));
}

/**
 * @param {import('../trials/fleet.mjs').Fleet} fleet
 * @param {string} job
 * @param {ReadonlySet<string>} done
 * @param {readonly string[]} images
 */
async function haveEnded(fleet, job, done, images) {
  const open = images.filter((image) => !done.has(image));
  if (open.length === 0) return true;
  // That one failed is for the round's end to judge.
  const failed = await failedImages(fleet, job);
  return open.every((image) => failed.has(image));
}

/**
 * @param {import('../trials/fleet.mjs').Fleet} fleet
 * @param {string} job
 */
export async function hasEnded({ url }, job) {
  const response = await fetch(`${url}/v1/jobs/${job}`, { signal: AbortSignal.timeout(2_000) });
  const { state } = /** @type {{ state: string }} */ (await response.json());
  return ['completed', 'failed', 'cancelled', 'expired'].includes(state);
}
