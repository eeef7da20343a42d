// Cost of metrics and traces: the same job with metrics, read every five seconds, and traces, sent to a collector, and
// with neither. In turns, so that other load on the machine affects both.
import { createServer } from 'node:http';
import { join } from 'node:path';
import { freePort } from '../../scripts/lib/run.mjs';
import { startFleet } from './fleet.mjs';
import { medianOf, readRedisUse } from './machine.mjs';
import { readMetrics } from './metrics.mjs';
import { cutPhotos } from './photos.mjs';
import { runJob, unseenSettings } from './run-job.mjs';

const model = 'efficientnet-lite0';
/** Half the positions of the defaults: costs for each image then weigh more, not less. */
const settings = { stride: 24 };
/** Three times as often as in ops/prometheus/prometheus.yml. */
const scrapeMs = 5_000;

/**
 * @typedef {{ seconds: number, cpuSeconds: number }} Cost
 * @typedef {{ run: () => Promise<Cost>, stop: () => Promise<void> }} Side
 */

/**
 * @param {{ root: string, quick: boolean, dir: string, report: (message: string) => void }} options
 */
export async function measureOverhead({ root, quick, dir, report }) {
  const photos = await cutPhotos({ root, dir: join(dir, 'photos'), count: quick ? 8 : 20 });
  const collector = await startCollector();
  /** @type {(() => Promise<void>)[]} */
  const stops = [collector.stop];
  try {
    const watched = await startSide(join(dir, 'watched'), photos, collector.url);
    stops.push(watched.stop);
    const alone = await startSide(join(dir, 'alone'), photos, null);
    stops.push(alone.stop);
    /** @type {{ watched: Cost, alone: Cost }[]} */
    const pairs = [];
    for (let turn = 0; turn < (quick ? 2 : 4); turn++) {
      // The order alternates too.
      const first = turn % 2 === 0 ? watched : alone;
      const second = first === watched ? alone : watched;
      const [one, two] = [await first.run(), await second.run()];
      pairs.push(first === watched ? { watched: one, alone: two } : { watched: two, alone: one });
    }
    if (collector.bytes() === 0) throw new Error('Expected traces to be sent, got none');
    /** @param {keyof Cost} what */
    const ratio = (what) =>
      medianOf(pairs.map(({ watched, alone }) => watched[what] / alone[what])) - 1;
    const result = {
      photos: photos.length,
      pairs,
      wall: ratio('seconds'),
      cpu: ratio('cpuSeconds'),
      traceBytesPerImage: collector.bytes() / (photos.length * pairs.length),
    };
    report(
      `scale: metrics and traces cost ${(100 * result.cpu).toFixed(2)} % of CPU time, ${(100 * result.wall).toFixed(2)} % of wall time`,
    );
    return result;
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/**
 * @param {string} dir
 * @param {readonly string[]} photos
 * @param {string | null} collector address for traces; null also disables metrics
 * @returns {Promise<Side>}
 */
async function startSide(dir, photos, collector) {
  const metricsPort = String(await freePort());
  const traces = collector === null ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: collector };
  const fleet = await startFleet({
    dir,
    env: collector === null ? {} : { ...traces, UMBRA_METRICS_PORT: metricsPort },
  });
  const metrics = collector !== null;
  const worker = await fleet.startWorker({ core: 0, metrics });
  const dataset = await fleet.upload(photos);
  const images = photos.length;
  await runJob(fleet, { dataset: dataset.id, images, model, settings: unseenSettings(settings) });
  const cpu = async () =>
    worker.cpuSeconds() + fleet.apiCpuSeconds() + (await readRedisUse(fleet.redisUrl)).cpuSeconds;
  return {
    async run() {
      const scraping = metrics && setInterval(() => scrape(worker, metricsPort), scrapeMs);
      try {
        const before = await cpu();
        const job = { dataset: dataset.id, images, model, settings: unseenSettings(settings) };
        const { seconds } = await runJob(fleet, job);
        return { seconds, cpuSeconds: (await cpu()) - before };
      } finally {
        if (scraping) clearInterval(scraping);
      }
    },
    stop: fleet.stop,
  };
}

/**
 * @param {import('./fleet.mjs').PinnedWorker} worker
 * @param {string} apiPort
 */
async function scrape(worker, apiPort) {
  await Promise.allSettled([worker.metrics(), readMetrics(`http://127.0.0.1:${apiPort}/metrics`)]);
}

/** Starts a collector that accepts traces and discards them. */
async function startCollector() {
  let bytes = 0;
  const server = createServer((request, response) => {
    request.on('data', (chunk) => (bytes += chunk.length));
    request.on('end', () => {
      response.setHeader('Content-Type', 'application/json');
      response.end('{}');
    });
  });
  const port = await freePort();
  await new Promise((done) => server.listen(port, '127.0.0.1', () => done(undefined)));
  return {
    url: `http://127.0.0.1:${port}`,
    bytes: () => bytes,
    async stop() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
