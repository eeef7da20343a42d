// What is asked of the service: datasets and jobs, by the names that `expected.json` gives them.
import { createHash } from 'node:crypto';

/** @typedef {import('./http.mjs').Client} Client */
/** @typedef {{ name: string, bytes: Buffer }} Photo */

const sha256Of = (/** @type {Buffer} */ bytes) => createHash('sha256').update(bytes).digest('hex');
const notes = { name: 'notes.txt', bytes: Buffer.from('no photo') };

/**
 * Datasets that are ready.
 *
 * @param {Client} client
 * @param {readonly Photo[]} photos
 * @returns {Promise<Record<string, string>>} ids by name
 */
export async function makeDatasets(client, photos) {
  const six = (await client.upload('/datasets', [...photos.slice(0, 6), notes])).id;
  const pair = (await client.upload('/datasets', photos.slice(0, 2))).id;
  const single = (await client.upload('/datasets', photos.slice(0, 1))).id;
  const labelled = await openDataset(client, { project: 'labels' });
  await client.upload(`/datasets/${labelled}/images`, photos.slice(3, 4));
  const box = { top: 4, left: 8, bottom: 20, right: 24 };
  const line = { name: 'labelled.png', ...referTo(six, photos[2]), label: 'kind 1', box };
  await client.lines(`/datasets/${labelled}/images`, [line]);
  await client.post(`/datasets/${labelled}/close`);
  await client.until(`/datasets/${labelled}`, ({ state }) => state === 'ready');
  return { six, pair, single, labelled };
}

const referTo = (/** @type {string} */ dataset, /** @type {Photo | undefined} */ photo) => ({
  dataset,
  sha256: sha256Of(photo?.bytes ?? Buffer.alloc(0)),
});

/**
 * @param {Client} client
 * @param {Record<string, string>} metadata
 * @returns {Promise<string>}
 */
const openDataset = async (client, metadata) => (await client.json('/datasets', { metadata })).id;

/**
 * A dataset whose manifest a worker has to look at.
 *
 * @param {Client} client
 * @param {string} six
 * @param {readonly Photo[]} photos
 * @returns {Promise<string>}
 */
export async function listPhotos(client, six, photos) {
  const lines = photos.map((photo, at) => ({ name: `l/${at}.png`, ...referTo(six, photo) }));
  return (await client.lines('/datasets', lines)).id;
}

/**
 * A dataset that takes images: some came in a form, one is in a manifest, and half of an archive is
 * there.
 *
 * @param {Client} client
 * @param {string} six
 * @param {readonly Photo[]} photos
 * @param {Buffer} archive a tar
 */
export async function beginDataset(client, six, photos, archive) {
  const id = await openDataset(client, { project: 'open' });
  const files = photos.slice(0, 2).map(({ name, bytes }) => ({ name: `kind 2/${name}`, bytes }));
  await client.upload(`/datasets/${id}/images?labels=folder`, [...files, notes]);
  const line = { name: 'listed.png', ...referTo(six, photos[2]) };
  await client.lines(`/datasets/${id}/images`, [line]);
  const facts = { format: 'tar', bytes: archive.length };
  const upload = (await client.json(`/datasets/${id}/archives`, facts)).id;
  await client.call('PATCH', `/datasets/${id}/archives/${upload}`, {
    type: 'application/offset+octet-stream',
    headers: { 'upload-offset': '0' },
    body: archive.subarray(0, archive.length >> 1),
  });
  return { id, upload, archive: archive.toString('base64') };
}

const whole = { model: 'whole' };
/** Exact: the network's own numbers, with a constant under the patch. */
const exact = { patch: 8, stride: 4, score: 'logit' };

/** Jobs by name: the name of their dataset, and what is asked. */
export const jobs = {
  completed: {
    ...{ dataset: 'pair', ...whole, settings: { preset: 'article', patch: 8, stride: 8 } },
    ...{ priority: 60, metadata: { order: '1' }, errorThreshold: 0.5 },
    ...{ expiresAfterSeconds: 365 * 24 * 3600, keepResultsSeconds: 10 * 365 * 24 * 3600 },
  },
  /** One of its two images has no label, and fails. */
  partly: {
    ...{ dataset: 'labelled', ...whole, archivePartBytes: 1024 * 1024 },
    settings: {
      ...{ patch: [8, { height: 16, width: 8 }], stride: { y: 8, x: 4 }, edge: 'valid' },
      ...{ fill: { kind: 'noise', seed: 7 }, target: { kind: 'label' }, score: 'log-odds' },
      faithfulness: { steps: 4 },
    },
  },
  running: { dataset: 'six', ...whole, settings: exact, rowsPerShard: 2 },
  /** The first shard's scores are more than Redis is to hold. */
  spilling: {
    ...{ dataset: 'single', ...whole, rowsPerShard: 130, reuse: false },
    settings: {
      ...{ patch: [9, 8, 7, 6, 5, 4, 3, 2], stride: 1, score: 'logit' },
      target: { kind: 'top', k: 3 },
    },
  },
  cancelled: { dataset: 'pair', ...whole, settings: { ...exact, stride: 8 } },
  paused: { dataset: 'single', ...whole, settings: { ...exact, edge: 'valid' }, priority: 70 },
  /** Taken from what `completed` has left. */
  finalizing: {
    ...{ dataset: 'single', ...whole, settings: { preset: 'article', patch: 8, stride: 8 } },
  },
  queued: {
    ...{ dataset: 'pair', ...whole, reuse: false },
    settings: { ...exact, patch: 4, stride: 2, refine: { every: 4, share: 0.25 } },
  },
  validating: {
    ...{ dataset: 'listed', ...whole },
    settings: { ...exact, target: { kind: 'class', name: 'kind 3' }, strategy: 'dense' },
  },
  tfjs: { dataset: 'single', model: 'whole-tfjs', settings: exact },
};
