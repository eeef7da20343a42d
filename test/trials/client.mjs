// Requests of a trial's own clients, each with a bound in time.
import { formOf } from './photos.mjs';

/** @typedef {{ id: string, state: string, counts: { total: number, completed: number, failed: number } }} JobStatus */

const requestMs = 20_000;

/**
 * @param {string} url
 * @param {string | null} [apiKey]
 */
export function createClient(url, apiKey = null) {
  /** @param {string} path @param {RequestInit} [init] */
  const request = (path, init = {}) =>
    fetch(`${url}${path}`, {
      signal: AbortSignal.timeout(requestMs),
      ...init,
      headers: {
        ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
        ...init.headers,
      },
    });
  /** @param {string} path @param {RequestInit} [init] @returns {Promise<any>} */
  const ask = async (path, init = {}) => {
    const response = await request(path, init);
    const text = await response.text();
    if (!response.ok)
      throw new Error(`${init.method ?? 'GET'} ${path}: ${response.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  /** @param {unknown} body @returns {RequestInit} */
  const json = (body) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return {
    ...{ request, ask, json },
    /** @param {readonly import('./photos.mjs').Photo[]} photos @returns {Promise<string>} the dataset's id */
    upload: async (photos) =>
      (await ask('/v1/datasets', { method: 'POST', body: formOf(photos) })).id,
    /** @param {unknown} body @returns {Promise<string>} the job's id */
    submit: async (body) => (await ask('/v1/jobs', json(body))).id,
    /** @param {string} id @returns {Promise<JobStatus>} */
    status: (id) => ask(`/v1/jobs/${id}`),
  };
}
