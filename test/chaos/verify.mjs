// What must be true when a job of the trial has ended.
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { fromBuffer } from 'yauzl';
import { until } from '../trials/until.mjs';

/** @typedef {import('../trials/fleet.mjs').Fleet} Fleet */
/** @typedef {Map<string, string>} Digests of the compared files, by `image/file` */

/**
 * Files that are the same whatever happened meanwhile, of a job that stores all of them. Unlike result.json, which
 * holds times.
 */
const compared = /** @type {const} */ ([
  'scores.npy',
  'predicted-classes.npy',
  'attribution.npy',
  'heatmap.png',
  'overlay.png',
  'thumbnail.webp',
]);

/** A job that was taken though its answer was lost runs to its end first. */
const settleMs = 120_000;
const sweptMs = 60_000;
const queues = ['ingest', 'shard', 'shard-tfjs', 'merge', 'archive', 'webhook'];

const sha256 = (/** @type {Buffer} */ bytes) => createHash('sha256').update(bytes).digest('hex');
const imageAt = (/** @type {number} */ index) => `img_${String(index).padStart(8, '0')}`;

/**
 * @param {Fleet} fleet
 * @param {string} job
 * @returns {Promise<Set<string>>} images whose results are whole
 */
export async function finishedImages({ truth }, job) {
  const done = new Set();
  for await (const { key } of truth.list(keys.results(defaultTenant, job))) {
    const [image, file] = key.split('/').slice(-2);
    if (file === 'result.json') done.add(image);
  }
  return done;
}

/**
 * @param {Fleet} fleet
 * @param {string} job
 * @returns {Promise<Digests>}
 */
export async function digestResults(fleet, job) {
  /** @type {Digests} */
  const digests = new Map();
  for (const image of await finishedImages(fleet, job)) {
    for (const file of compared) {
      const bytes = await fleet.truth.get(keys.result(defaultTenant, job, image, file));
      digests.set(`${image}/${file}`, sha256(bytes));
    }
  }
  return digests;
}

/**
 * @typedef {object} Expected
 * @property {Digests} reference of an undisturbed run
 * @property {number} images
 * @property {ReadonlyMap<string, RegExp>} mayFail images that may fail, and what their reason must name
 */

/**
 * @param {Fleet} fleet
 * @param {ReturnType<typeof import('../trials/client.mjs').createClient>} client
 * @param {string} job that has ended
 * @param {Expected} expected
 * @returns {Promise<string[]>} promises that were broken, one a line
 */
export async function findBroken(fleet, client, job, expected) {
  const status = await client.status(job);
  const done = await finishedImages(fleet, job);
  const failures = await failedImages(fleet, job);
  return [
    ...(status.state === 'completed' ? [] : [`Expected job ${job} completed, got ${status.state}`]),
    ...checkCounts(status.counts, { done, failures, images: expected.images }),
    ...checkFailures(failures, done, expected),
    ...checkDigests(await digestResults(fleet, job), expected.reference, done),
    ...(await checkArchive(client, job, done).catch((error) => [`archive: ${error.message}`])),
    ...(await findLeftOvers(fleet)),
  ];
}

/**
 * @param {Fleet} fleet
 * @param {string} job
 * @returns {Promise<Map<string, string>>} reasons by image
 */
export async function failedImages({ truth }, job) {
  const failures = new Map();
  for await (const { key } of truth.list(keys.errors(defaultTenant, job))) {
    const image = key.split('/').at(-1)?.replace('.json', '') ?? '';
    failures.set(image, (await truth.get(key)).toString().trim());
  }
  return failures;
}

/**
 * @param {{ total: number, completed: number, failed: number }} counts
 * @param {{ done: Set<string>, failures: Map<string, string>, images: number }} found
 */
function checkCounts(counts, { done, failures, images }) {
  const failed = [...failures.keys()].filter((image) => !done.has(image)).length;
  const truth = { total: images, completed: done.size, failed };
  const got = JSON.stringify(counts);
  return got === JSON.stringify(truth)
    ? []
    : [`Expected counts ${JSON.stringify(truth)}, got ${got}`];
}

/**
 * @param {Map<string, string>} failures
 * @param {Set<string>} done
 * @param {Expected} expected
 */
function checkFailures(failures, done, { images, mayFail }) {
  return Array.from({ length: images }, (_, index) => imageAt(index)).flatMap((image) => {
    const reason = failures.get(image);
    if (done.has(image)) return [];
    if (reason === undefined) return [`${image} has neither a result nor a reason`];
    if (mayFail.get(image)?.test(reason)) return [];
    return [`${image} failed for what is not its own: ${reason}`];
  });
}

/**
 * @param {Digests} digests
 * @param {Digests} reference
 * @param {Set<string>} done
 */
function checkDigests(digests, reference, done) {
  return [...done].flatMap((image) =>
    compared
      .map((file) => `${image}/${file}`)
      .filter((name) => digests.get(name) !== reference.get(name))
      .map((name) => `${name} is not what an undisturbed run gives`),
  );
}

/**
 * @param {ReturnType<typeof import('../trials/client.mjs').createClient>} client
 * @param {string} job
 * @param {Set<string>} done
 */
async function checkArchive(client, job, done) {
  const response = await client.request(`/v1/jobs/${job}/archive`);
  if (!response.ok) return [`archive: ${response.status} ${await response.text()}`];
  const names = await readNames(Buffer.from(await response.arrayBuffer()));
  return [...done].flatMap((image) => {
    const lacks = compared.filter((file) => !names.some((name) => isOf(name, image, file)));
    return lacks.length === 0 ? [] : [`the archive lacks ${lacks.join(', ')} of ${image}`];
  });
}

const isOf = (
  /** @type {string} */ name,
  /** @type {string} */ image,
  /** @type {string} */ file,
) => name.includes(image) && name.endsWith(file);

/**
 * Reads every entry, which checks its CRC.
 *
 * @param {Buffer} bytes
 * @returns {Promise<string[]>}
 */
function readNames(bytes) {
  return new Promise((resolve, reject) => {
    fromBuffer(bytes, { lazyEntries: true }, (error, zip) => {
      if (error) return reject(error);
      /** @type {string[]} */
      const names = [];
      zip.on('error', reject);
      zip.on('end', () => resolve(names));
      zip.on('entry', (entry) => {
        zip.openReadStream(entry, (failed, stream) => {
          if (failed) return reject(failed);
          names.push(entry.fileName);
          stream.on('error', reject);
          stream.on('end', () => zip.readEntry());
          stream.resume();
        });
      });
      zip.readEntry();
    });
  });
}

/**
 * @param {Fleet} fleet
 * @returns {Promise<string[]>} work that is neither done nor to be done, after the time in which it ends by itself
 */
async function findLeftOvers(fleet) {
  /** @type {string[]} */
  let left = [];
  const isClean = async () => {
    left = [...(await listKeys(fleet, ['active/', 'ingests/'])), ...(await leftInQueues(fleet))];
    return left.length === 0;
  };
  await until('nothing left over', isClean, { timeoutMs: settleMs, everyMs: 250 }).catch(
    () => undefined,
  );
  return left;
}

/**
 * @param {Fleet} fleet
 * @param {readonly string[]} folders
 */
async function listKeys({ truth }, folders) {
  const left = [];
  for (const folder of folders) {
    for await (const { key } of truth.list(folder)) left.push(`'${key}' is left over`);
  }
  return left;
}

/** @param {Fleet} fleet */
async function leftInQueues({ redis }) {
  const left = [];
  for (const queue of queues) {
    const active = await redis.client.llen(`umbra:${queue}:active`);
    if (active > 0) left.push(`queue '${queue}' has ${active} active jobs left over`);
  }
  return left;
}

/**
 * What dead processes left, after the time in which it is swept.
 *
 * @param {Fleet} fleet
 * @returns {Promise<string[]>}
 */
export async function findRemains(fleet) {
  /** @type {string[]} */
  let left = [];
  const isSwept = async () => {
    left = await listKeys(fleet, ['uploads/', 'deletions/']);
    if (fleet.storeFolder !== null) {
      const names = await readdir(join(fleet.storeFolder, '.tmp')).catch(() => []);
      left.push(...names.map((name) => `'.tmp/${name}' is left over`));
    }
    return left.length === 0;
  };
  await until('nothing left', isSwept, { timeoutMs: sweptMs, everyMs: 500 }).catch(() => undefined);
  return left;
}
