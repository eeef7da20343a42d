// What a service holds, sampled while it works.
import { folderBytes, sampleProcess } from '../../test/trials/sample.mjs';

/** @typedef {{ readonly atMs: number, readonly value: number }} Point */
/** @typedef {Map<string, Point[]>} Series by name, each with its unit */

/**
 * @param {object} options
 * @param {import('../../test/trials/fleet.mjs').Fleet} options.fleet
 * @param {string} options.metricsUrl of the API
 * @param {number} options.startedMs of performance.now()
 * @param {Series} series is added to
 */
export async function sampleInto({ fleet, metricsUrl, startedMs }, series) {
  const atMs = performance.now() - startedMs;
  const add = (/** @type {string} */ name, /** @type {number} */ value) => {
    series.set(name, [...(series.get(name) ?? []), { atMs, value }]);
  };
  for (const member of [fleet.api, ...fleet.workers]) {
    const held = sampleProcess(member.pid());
    if (held === null) throw new Error(`Expected ${member.name} to run, got none`);
    add(`${member.name} memory, MB`, held.rssMb);
    add(`${member.name} handles`, held.handles);
  }
  add('temporary files, kB', folderBytes(fleet.temporary) / 1024);
  const info = await fleet.redis.client.info('memory');
  add('Redis memory, MB', Number(/^used_memory:(\d+)/m.exec(info)?.[1]) / 1024 ** 2);
  for (const [name, value] of await readTurns(metricsUrl)) add(name, value);
}

/**
 * @param {string} url
 * @returns {Promise<[name: string, value: number][]>} places of what requests share, and kB of images
 */
async function readTurns(url) {
  const text = await (await fetch(url, { signal: AbortSignal.timeout(5_000) })).text();
  return [...text.matchAll(/^umbra_turns\{thing="(\w+)",state="(held|waiting)"\} (\d+)/gm)].map(
    ([, thing, state, value]) =>
      thing === 'images'
        ? [`${thing} ${state}, kB`, Number(value) / 1024]
        : [`${thing} ${state}`, Number(value)],
  );
}
