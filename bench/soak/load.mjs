// Mixed load of honest and of impatient clients, all at once, until it is told to end.
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '../../test/trials/client.mjs';
import { formOf, makePhotos } from '../../test/trials/photos.mjs';

/** @typedef {import('../../test/trials/chance.mjs').Chance} Chance */
/** @typedef {ReturnType<typeof createClient>} Client */
/** @typedef {Record<string, number>} Tally of what was done, and of what failed as `failed: ...` */

const settings = { patch: 16, stride: 8 };
const lifecycles = 3;
const leavers = 2;
const pauseMs = 300;

/**
 * @param {object} options
 * @param {string} options.url
 * @param {Chance} options.chance
 * @param {AbortSignal} options.ending
 * @returns {Promise<Tally>} once every client has ended
 */
export async function runLoad({ url, chance, ending }) {
  const client = createClient(url);
  /** @type {Tally} */
  const tally = {};
  const count = (/** @type {string} */ what) => {
    tally[what] = (tally[what] ?? 0) + 1;
  };
  /** @param {() => Promise<unknown>} once */
  const repeat = async (once) => {
    while (!ending.aborted) {
      await once().catch((error) => count(`failed: ${String(error.message).slice(0, 400)}`));
      await sleep(pauseMs);
    }
  };
  await Promise.all([
    ...Array.from({ length: lifecycles }, () => repeat(() => liveOnce(client, chance, count))),
    ...Array.from({ length: leavers }, () => repeat(() => leaveOnce(client, chance, count))),
    repeat(() => explainOnce(client, chance, count)),
  ]);
  return tally;
}

/**
 * One dataset from its upload to its deletion.
 *
 * @param {Client} client
 * @param {Chance} chance
 * @param {(what: string) => void} count
 */
async function liveOnce(client, chance, count) {
  const photos = await makePhotos(chance.between(2, 6), chance.between(1, 1e6));
  const dataset = await client.upload(photos);
  count('uploads');
  const job = await client.submit({ dataset, model: 'tiny', settings, reuse: chance.next() < 0.5 });
  count('jobs');
  const following = followBriefly(client, job, chance.between(50, 1_500)).then(() =>
    count('streams'),
  );
  if (chance.next() < 0.1) await client.request(`/v1/jobs/${job}/cancel`, { method: 'POST' });
  await untilFinal(client, job, count);
  await following;
  const image = 'images/img_00000000';
  // The overlay is not stored, and so it is drawn.
  const files = [`${image}/heatmap.png`, `${image}/overlay.png`];
  for (const path of ['archive', 'archive?include=all', 'images', ...files, 'errors']) {
    const response = await client.request(`/v1/jobs/${job}/${path}`);
    await response.arrayBuffer();
    count('downloads');
  }
  for (const path of [`/v1/jobs/${job}`, `/v1/datasets/${dataset}`]) {
    const { status } = await client.request(path, { method: 'DELETE' });
    count(status === 204 ? 'deletions' : `failed: deletion ${status}`);
  }
}

/**
 * @param {Client} client
 * @param {string} job
 * @param {(what: string) => void} count
 */
async function untilFinal(client, job, count) {
  for (let left = 600; left > 0; left--) {
    const { state } = await client.status(job);
    count('polls');
    if (['completed', 'failed', 'cancelled'].includes(state)) return;
    await sleep(100);
  }
  throw new Error('a job did not end within a minute');
}

/**
 * @param {Client} client
 * @param {string} job
 * @param {number} ms
 */
async function followBriefly(client, job, ms) {
  const signal = AbortSignal.timeout(ms);
  try {
    const response = await client.request(`/v1/jobs/${job}/events`, { signal });
    for await (const _ of response.body ?? []) if (signal.aborted) return;
  } catch {
    // It left.
  }
}

/**
 * A client that leaves while its upload, its picture or its answer is under way.
 *
 * @param {Client} client
 * @param {Chance} chance
 * @param {(what: string) => void} count
 */
async function leaveOnce(client, chance, count) {
  const photos = await makePhotos(12, chance.between(1, 1e6));
  const path = chance.pick(['/v1/datasets', '/v1/explain?model=tiny&deadlineSeconds=10']);
  const body = formOf(path.includes('explain') ? photos.slice(0, 1) : photos);
  const signal = AbortSignal.timeout(chance.between(1, 60));
  await client.request(path, { method: 'POST', body, signal }).then(
    () => count('not left in time'),
    () => count('left'),
  );
}

/**
 * @param {Client} client
 * @param {Chance} chance
 * @param {(what: string) => void} count
 */
async function explainOnce(client, chance, count) {
  const body = formOf(await makePhotos(1, chance.between(1, 1e6)));
  const response = await client.request('/v1/explain?model=tiny', { method: 'POST', body });
  const answer = /** @type {{ job?: string, detail?: string }} */ (await response.json());
  count(response.ok ? 'explained' : `failed: explain ${response.status} ${answer.detail}`);
  // It would be kept for an hour.
  if (response.ok) await client.request(`/v1/jobs/${answer.job}`, { method: 'DELETE' });
}
