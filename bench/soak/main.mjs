// The soak; scripts/soak.mjs says how it is called.
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../scripts/lib/run.mjs';
import { createChance } from '../../test/trials/chance.mjs';
import { startFleet } from '../../test/trials/fleet.mjs';
import { judge } from './flatness.mjs';
import { runLoad } from './load.mjs';
import { plotSeries } from './plot.mjs';
import { sampleInto } from './series.mjs';

const sampleMs = 5_000;
/** Code is compiled and caches fill meanwhile. */
const warmUpShare = 0.25;
const idleMs = 15_000;

/**
 * @param {object} options
 * @param {string} options.dir
 * @param {number} options.seed
 * @param {number} options.minutes
 * @param {(message: string) => void} options.report
 */
export async function runSoak({ dir, seed, minutes, report }) {
  const chance = createChance(seed);
  /** @type {import('./series.mjs').Ports} */
  const metricsPorts = {
    api: await freePort(),
    'worker-0': await freePort(),
    'worker-1': await freePort(),
  };
  const fleet = await startFleet({
    ...{ dir, kind: 'fs', workers: 2, draw: chance.next, diskMegabytes: 2_048 },
    // What deleted jobs and clients that left leave is swept while the soak lasts.
    envOf: (member) => ({
      UMBRA_REQUESTS_PER_MINUTE: '1000000',
      UMBRA_ABANDONED_MS: '30000',
      // The baseline runs that this lets a worker keep are all there before the warm-up ends.
      UMBRA_BATCH_MB: '32',
      UMBRA_METRICS_PORT: String(metricsPorts[member]),
    }),
  });
  try {
    const ending = new AbortController();
    const load = runLoad({ url: fleet.url, chance, ending: ending.signal });
    /** @type {import('./series.mjs').Series} */
    const series = new Map();
    const startedMs = performance.now();
    const sampled = { fleet, metricsPorts, startedMs };
    const durationMs = minutes * 60_000;
    while (performance.now() - startedMs < durationMs) {
      await sleep(sampleMs);
      await sampleInto(sampled, series);
    }
    ending.abort();
    const tally = await load;
    await sleep(idleMs);
    /** @type {import('./series.mjs').Series} */
    const idle = new Map();
    await sampleInto(sampled, idle);
    const warmUpMs = durationMs * warmUpShare;
    const verdicts = [...series].map(([name, points]) =>
      judge(
        name,
        points.filter(({ atMs }) => atMs >= warmUpMs),
      ),
    );
    // Nothing waits for clients that are gone.
    const stuck = [...idle].flatMap(([name, [point]]) =>
      /(held|waiting|kB)$/.test(name) && (point?.value ?? 0) > 0
        ? [`${name}: ${point?.value}`]
        : [],
    );
    const failed = Object.keys(tally).filter((what) => what.startsWith('failed'));
    for (const { name, median, growth, bound, isFlat } of verdicts) {
      const line = `${name}: median ${median.toFixed(1)}, growth ${growth.toFixed(2)} (bound ${bound.toFixed(1)})`;
      report(isFlat ? line : `NOT FLAT: ${line}`);
    }
    report(`done: ${JSON.stringify(tally)}`);
    for (const line of stuck) report(`LEFT OVER when idle: ${line}`);
    const title = `Umbra under mixed load for ${minutes} minutes`;
    const plot = plotSeries(series, { title, warmUpMs });
    return { seed, minutes, tally, verdicts, stuck, failed, plot };
  } finally {
    await fleet.stop();
  }
}
