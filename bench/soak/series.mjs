// What a service holds, sampled while it works.
import { folderBytes, sampleProcess } from '../../test/trials/sample.mjs';

/** @typedef {{ readonly atMs: number, readonly value: number }} Point */
/** @typedef {Map<string, Point[]>} Series by name, each with its unit */
/** @typedef {Record<string, number>} Ports of each member's metrics */

/**
 * @param {object} options
 * @param {import('../../test/trials/fleet.mjs').Fleet} options.fleet
 * @param {Ports} options.metricsPorts
 * @param {number} options.startedMs of performance.now()
 * @param {Series} series is added to
 */
export async function sampleInto({ fleet, metricsPorts, startedMs }, series) {
  const atMs = performance.now() - startedMs;
  const add = (/** @type {string} */ name, /** @type {number} */ value) => {
    series.set(name, [...(series.get(name) ?? []), { atMs, value }]);
  };
  for (const member of [fleet.api, ...fleet.workers]) {
    const held = sampleProcess(member.pid());
    if (held === null) throw new Error(`Expected ${member.name} to run, got none`);
    add(`${member.name} memory, MB`, held.rssMb);
    add(`${member.name} handles`, held.handles);
    const metrics = await readMetrics(metricsPorts[member.name]);
    for (const [name, value] of heapOf(metrics)) add(`${member.name} ${name}`, value);
    for (const [name, value] of turnsOf(metrics)) add(name, value);
  }
  add('temporary files, kB', folderBytes(fleet.temporary) / 1024);
  const info = await fleet.redis.client.info('memory');
  add('Redis memory, MB', Number(/^used_memory:(\d+)/m.exec(info)?.[1]) / 1024 ** 2);
}

/** @param {number | undefined} port */
async function readMetrics(port) {
  const url = `http://127.0.0.1:${port}/metrics`;
  return (await fetch(url, { signal: AbortSignal.timeout(5_000) })).text();
}

/**
 * What the main thread's JavaScript holds, which tells its leaks from those of native code.
 *
 * @param {string} metrics
 * @returns {[name: string, value: number][]}
 */
function heapOf(metrics) {
  const megabytes = (/** @type {string} */ metric) =>
    Number(new RegExp(`^${metric} (\\S+)`, 'm').exec(metrics)?.[1]) / 1024 ** 2;
  return [
    ['heap memory, MB', megabytes('nodejs_heap_size_used_bytes')],
    ['buffers memory, MB', megabytes('nodejs_external_memory_bytes')],
  ];
}

/**
 * @param {string} metrics
 * @returns {[name: string, value: number][]} places of what requests share, and kB of images
 */
function turnsOf(metrics) {
  return [...metrics.matchAll(/^umbra_turns\{thing="(\w+)",state="(held|waiting)"\} (\d+)/gm)].map(
    ([, thing, state, value]) =>
      thing === 'images'
        ? [`${thing} ${state}, kB`, Number(value) / 1024]
        : [`${thing} ${state}`, Number(value)],
  );
}
