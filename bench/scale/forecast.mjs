// Forecasts throughput and cost of large fleets from measurements of a small one.
import { simulate } from './simulate.mjs';

/**
 * Example prices, from one month at a large provider; pass your own.
 *
 * @typedef {object} Prices
 * @property {number} threadHour a core with 2 GiB, for an hour
 * @property {number} fixedHour API, dispatcher and Redis, for an hour
 * @property {number} thousandReads of the object store
 * @property {number} thousandWrites
 */

/** @type {Prices} */
export const examplePrices = {
  threadHour: 0.04,
  fixedHour: 0.4,
  thousandReads: 0.0004,
  thousandWrites: 0.005,
};

/** S3's documented limits for one prefix; it splits busy prefixes by itself, in minutes. */
const storeLimits = { readsPerSecond: 5_500, writesPerSecond: 3_500 };
/** The dispatcher's pause between two ticks. */
const tickSeconds = 0.05;
/** The dispatcher keeps this much work, and this many images, in the queue for each thread. */
const horizonSeconds = 1;
const imagesPerThread = 2;

/**
 * @typedef {object} Facts the measurements
 * @property {import('./efficiency.mjs').Measured} measured
 * @property {import('./queue-path.mjs').QueuePath} path
 * @property {number} windowImages max images in the queue at once, for any number of threads
 */

/**
 * @param {Facts} facts
 * @param {{ images?: number, fleets?: readonly number[], prices?: Partial<Prices>, spread?: number }} [options]
 */
export function forecastScale(facts, options = {}) {
  const { images = 1_000_000, fleets = [10, 100, 1_000], spread = 0.1 } = options;
  const prices = { ...examplePrices, ...options.prices };
  return fleets.map((workers) => {
    const fleet = { images, workers, prices, spread };
    const asIs = forecastOne(facts, { ...fleet, maxWindowImages: facts.windowImages });
    const changed = forecastOne(facts, { ...fleet, maxWindowImages: Number.POSITIVE_INFINITY });
    return { workers, asIs, wideWindow: changed };
  });
}

/**
 * @param {Facts} facts
 * @param {{ images: number, workers: number, prices: Prices, spread: number, maxWindowImages: number }} fleet
 */
function forecastOne(facts, { images, workers, prices, spread, maxWindowImages }) {
  const { measured, path } = facts;
  const forWork = Math.ceil((horizonSeconds * workers) / measured.imageSeconds);
  const windowImages = Math.min(maxWindowImages, Math.max(imagesPerThread * workers, forWork));
  const outcome = simulate({
    ...{ images, workers, windowImages, spread, tickSeconds },
    threadSeconds: measured.imageSeconds,
    mergeSeconds: measured.mergeSeconds,
    dispatchSeconds: 1 / path.dispatchPerSecond,
    redisSeconds: path.redisCpuSeconds,
    idleRedisShare: path.idleCpuShare,
  });
  const rate = outcome.imagesPerSecond;
  const hours = outcome.seconds / 3600;
  const { storeReads: reads, storeWrites: writes } = measured;
  const archiveHours = images / path.archivePerSecond / 3600;
  const cost =
    (workers * prices.threadHour + prices.fixedHour) * hours +
    (images / 1000) * (reads * prices.thousandReads + writes * prices.thousandWrites);
  return {
    windowImages,
    ...outcome,
    hours,
    archiveHours,
    redisCommandsPerSecond: rate * path.redisCommands + workers * path.idleCommandsPerSecond,
    storeReadsPerSecond: rate * reads,
    storeWritesPerSecond: rate * writes,
    costPerThousandImages: (1000 * cost) / images,
    limits: limitsOf(facts, { workers, windowImages, reads, writes }),
  };
}

/**
 * Returns the max throughput of each part alone, in images a second, smallest first.
 *
 * @param {Facts} facts
 * @param {{ workers: number, windowImages: number, reads: number, writes: number }} fleet
 */
function limitsOf({ measured, path }, { workers, windowImages, reads, writes }) {
  const idle = Math.min(0.95, workers * path.idleCpuShare);
  const rates = {
    inferenceThreads: workers / measured.imageSeconds,
    window: windowImages / (measured.imageSeconds + measured.mergeSeconds + tickSeconds / 2),
    redis: (1 - idle) / path.redisCpuSeconds,
    dispatcher: path.dispatchPerSecond,
    storeReads: storeLimits.readsPerSecond / reads,
    storeWrites: storeLimits.writesPerSecond / writes,
  };
  return Object.entries(rates)
    .map(([part, imagesPerSecond]) => ({ part, imagesPerSecond }))
    .sort((a, b) => a.imagesPerSecond - b.imagesPerSecond);
}
