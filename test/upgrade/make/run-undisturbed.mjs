// What jobs come to that nothing disturbs.
import { connect } from './http.mjs';
import { readResults } from './results.mjs';
import { jobs, listPhotos, makeDatasets } from './work.mjs';

/**
 * @param {any} shared
 * @param {import('./checkout.mjs').Installation} installation that asks for no keys
 * @param {readonly import('./work.mjs').Photo[]} photos
 * @returns {Promise<Record<string, any>>} results by the job's name
 */
export async function runUndisturbed(shared, installation, photos) {
  const client = connect(installation.url);
  const worker = await installation.startWorker();
  const ids = await makeDatasets(client, photos);
  ids.listed = await listPhotos(client, ids.six ?? '', photos.slice(0, 2));
  /** @type {Record<string, any>} */
  const results = {};
  for (const [name, job] of Object.entries(jobs)) {
    const { id } = await client.json('/jobs', { ...job, dataset: ids[job.dataset], reuse: false });
    await client.until(`/jobs/${id}`, ({ state }) => state === 'completed');
    results[name] = await readResults(shared, installation.store, 'default', id);
  }
  await worker.stop();
  await installation.stop();
  return results;
}
