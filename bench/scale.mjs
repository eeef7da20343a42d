// Scaling of Umbra: one worker and two, a worker that loses its network for a while, the cost of metrics and traces, and
// a simulation of many workers with the numbers measured here.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workerConfig } from '@umbra/worker/config';
import { measureCutOff } from './scale/cut-off.mjs';
import { measureEfficiency } from './scale/efficiency.mjs';
import { startFleet } from './scale/fleet.mjs';
import { forecastScale } from './scale/forecast.mjs';
import { formatForecast } from './scale/forecast-table.mjs';
import { measureOverhead } from './scale/overhead.mjs';
import { measureQueuePath } from './scale/queue-path.mjs';

/**
 * @param {{ root: string, quick: boolean, report: (message: string) => void }} options
 */
export async function benchScale({ root, quick, report }) {
  const dir = mkdtempSync(join(tmpdir(), 'umbra-scale-'));
  const options = { root, quick, report };
  try {
    const efficiency = await measureWorkers(options, dir);
    const overhead = await measureOverhead({ ...options, dir: join(dir, 'overhead') });
    const cutOff = await measureCutOff({ ...options, dir: join(dir, 'cut-off') });
    const queuePath = await measureQueuePath({ ...options, dir: join(dir, 'queue') });
    const windowImages = workerConfig.parse({}).UMBRA_WINDOW_IMAGES;
    const { measured } = efficiency;
    const forecast = forecastScale(
      { measured, path: queuePath, windowImages },
      { images: quick ? 100_000 : 1_000_000, prices: readPrices(process.env.UMBRA_BENCH_PRICES) },
    );
    process.stderr.write(`${formatForecast(forecast)}\n`);
    return { efficiency, overhead, cutOff, queuePath, forecast };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * @param {{ root: string, quick: boolean, report: (message: string) => void }} options
 * @param {string} dir
 */
async function measureWorkers(options, dir) {
  const fleet = await startFleet({ dir: join(dir, 'workers') });
  try {
    return await measureEfficiency({ ...options, fleet, dir: join(dir, 'efficiency') });
  } finally {
    await fleet.stop();
  }
}

/**
 * @param {string | undefined} text such as `{"threadHour": 0.03}`
 * @returns {Partial<import('./scale/forecast.mjs').Prices>}
 */
function readPrices(text) {
  if (text === undefined || text === '') return {};
  const prices = JSON.parse(text);
  for (const [name, price] of Object.entries(prices)) {
    if (typeof price !== 'number' || !(price >= 0)) {
      throw new Error(`Expected UMBRA_BENCH_PRICES to have a price of 0 or more as ${name}`);
    }
  }
  return prices;
}
