// The service as its users see it.
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @param {string} url
 * @param {string} [key]
 */
export function connect(url, key) {
  const authorization = key === undefined ? undefined : `Bearer ${key}`;
  /**
   * @param {string} method
   * @param {string} path
   * @param {{ body?: any, type?: string, headers?: Record<string, string> }} [options]
   * @returns {Promise<any>} the answer's JSON, if it is any
   */
  const call = async (method, path, { body, type, headers = {} } = {}) => {
    const response = await fetch(`${url}/v1${path}`, {
      method,
      headers: {
        ...(authorization && { authorization }),
        ...(type && { 'content-type': type }),
        ...headers,
      },
      body: type === 'application/json' ? JSON.stringify(body) : body,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text;
  };
  return {
    call,
    json: (/** @type {string} */ path, /** @type {unknown} */ body, headers = {}) =>
      call('POST', path, { type: 'application/json', body, headers }),
    post: (/** @type {string} */ path) => call('POST', path),
    upload: (/** @type {string} */ path, /** @type {readonly any[]} */ files) => {
      const form = new FormData();
      for (const { name, bytes } of files) form.append('images', new Blob([bytes]), name);
      return call('POST', path, { body: form });
    },
    lines: (/** @type {string} */ path, /** @type {readonly object[]} */ lines) => {
      const body = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
      return call('POST', path, { type: 'application/jsonl', body });
    },
    /** Ask again and again until the answer is as it should be. */
    until: async (/** @type {string} */ path, /** @type {(answer: any) => boolean} */ isDone) => {
      let last;
      for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(25)) {
        last = await call('GET', path);
        if (isDone(last)) return last;
      }
      throw new Error(`${path} did not get there in time: ${JSON.stringify(last)}`);
    },
  };
}

/** @typedef {ReturnType<typeof connect>} Client */

/**
 * @param {string} what
 * @param {() => Promise<unknown>} ask
 */
export async function until(what, ask, pauseMs = 20) {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(pauseMs)) {
    if (await ask()) return;
  }
  throw new Error(`Expected ${what} in time`);
}
