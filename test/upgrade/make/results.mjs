// What a finished job has left, for whoever must find the same.
import { createHash } from 'node:crypto';

const sha256Of = (/** @type {Buffer} */ bytes) => createHash('sha256').update(bytes).digest('hex');

/**
 * The files of a job's images by their sha256, and what each image's description says.
 *
 * @param {any} shared
 * @param {any} store
 * @param {string} tenant
 * @param {string} job
 */
export async function readResults(shared, store, tenant, job) {
  /** @type {Record<string, { files: Record<string, string>, result?: unknown }>} */
  const images = {};
  for await (const { key } of store.list(shared.keys.results(tenant, job))) {
    const [image = '', file = ''] = key.split('/').slice(-2);
    const bytes = await store.get(key);
    images[image] ??= { files: {} };
    images[image].files[file] = sha256Of(bytes);
    if (file === 'result.json') images[image].result = JSON.parse(bytes.toString());
  }
  return images;
}

/**
 * The archives of a job by their sha256.
 *
 * @param {any} shared
 * @param {any} store
 * @param {string} tenant
 * @param {string} job
 */
export async function readArchives(shared, store, tenant, job) {
  /** @type {Record<string, string>} */
  const archives = {};
  for await (const { key } of store.list(shared.keys.jobFiles(tenant, job))) {
    if (key.endsWith('.zip')) archives[key.split('/').at(-1)] = sha256Of(await store.get(key));
  }
  return archives;
}
