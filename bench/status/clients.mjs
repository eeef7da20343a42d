// Clients of one kind in a process of their own: they poll a job's status, or follow its events. Tells its parent, once
// the time is over, what they saw, and how late this process itself was.
import { setMaxListeners } from 'node:events';
import { Agent, get } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** The interval of `Retry-After`. */
const pollMs = 1_000;

/** @typedef {{ kind: 'poll' | 'follow', url: string, key: string, count: number, warmUpMs: number, durationMs: number }} Order */

process.once('message', async (/** @type {Order} */ order) => {
  const delays = monitorEventLoopDelay({ resolution: 10 });
  delays.enable();
  const ending = new AbortController();
  setMaxListeners(0, ending.signal);
  setTimeout(() => delays.reset(), order.warmUpMs);
  setTimeout(() => ending.abort(), order.warmUpMs + order.durationMs);
  const run = order.kind === 'poll' ? poll : follow;
  const seen = await Promise.all(
    Array.from({ length: order.count }, (_, index) => run(order, index, ending.signal)),
  );
  const lateMs = { p50: delays.percentile(50) / 1e6, p99: delays.percentile(99) / 1e6 };
  process.send?.({ times: seen.flat(), lateMs }, () => process.exit(0));
});

/**
 * @param {Order} order
 * @param {number} index
 * @param {AbortSignal} ending
 * @returns {Promise<number[]>} the time of each answer, ms
 */
async function poll({ url, key, count, warmUpMs }, index, ending) {
  const agent = new Agent({ keepAlive: true });
  const times = [];
  const sinceMs = performance.now() + warmUpMs;
  await sleep((index * pollMs) / count);
  while (!ending.aborted) {
    const beganMs = performance.now();
    await answerOf(url, key, agent);
    if (beganMs >= sinceMs) times.push(performance.now() - beganMs);
    await sleep(pollMs);
  }
  agent.destroy();
  return times;
}

/**
 * @param {string} url
 * @param {string} key
 * @param {Agent} agent
 */
function answerOf(url, key, agent) {
  return /** @type {Promise<void>} */ (
    new Promise((resolve, reject) => {
      get(url, { agent, headers: { authorization: `Bearer ${key}` } }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
        response.resume().once('end', resolve).once('error', reject);
      }).once('error', reject);
    })
  );
}

/**
 * @param {Order} order
 * @param {number} _index
 * @param {AbortSignal} ending
 * @returns {Promise<number[]>} how long each event was on its way, ms; its id has the time of its making
 */
function follow({ url, key, warmUpMs }, _index, ending) {
  /** @type {number[]} */
  const times = [];
  const sinceMs = Date.now() + warmUpMs;
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}` };
    const request = get(`${url}/events`, { agent: false, headers }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
      response.setEncoding('latin1');
      response.on('data', (/** @type {string} */ text) => {
        const nowMs = Date.now();
        for (const [, madeAt] of text.matchAll(/^id: (\d+)-/gm)) {
          if (Number(madeAt) > sinceMs) times.push(nowMs - Number(madeAt));
        }
      });
      response.once('close', () => resolve(times));
    });
    request.once('error', (error) => (ending.aborted ? resolve(times) : reject(error)));
    ending.addEventListener('abort', () => request.destroy());
  });
}
