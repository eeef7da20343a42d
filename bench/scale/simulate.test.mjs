import { describe, expect, test } from 'vitest';
import { forecastScale } from './forecast.mjs';
import { simulate } from './simulate.mjs';

const plant = {
  images: 20_000,
  workers: 10,
  windowImages: 100,
  threadSeconds: 1,
  spread: 0,
  mergeSeconds: 0.1,
  dispatchSeconds: 0.001,
  tickSeconds: 0.05,
  redisSeconds: 0.001,
  idleRedisShare: 0,
};
const rateOf = (/** @type {Partial<typeof plant>} */ changes) =>
  simulate({ ...plant, ...changes }).imagesPerSecond;

describe('each part limits the simulated throughput', () => {
  test('threads', () => {
    expect(rateOf({})).toBeCloseTo(10, 0);
    expect(rateOf({ spread: 0.5 })).toBeCloseTo(10, 0);
    expect(simulate(plant).threadUse).toBeGreaterThan(0.98);
  });

  test('the window: threads beyond the images in the queue gain nothing', () => {
    const narrow = { workers: 1_000, windowImages: 100 };
    // Each image takes its thread's time, its merge, and half a tick of the dispatcher.
    expect(rateOf(narrow)).toBeLessThan(100 / 1.1);
    expect(rateOf(narrow)).toBeGreaterThan(100 / 1.25);
  });

  test('Redis: one command at a time', () => {
    const many = { workers: 1_000, windowImages: 3_000, redisSeconds: 0.01 };
    const outcome = simulate({ ...plant, ...many });
    expect(outcome.imagesPerSecond).toBeCloseTo(100, 0);
    expect(outcome.redisUse).toBeGreaterThan(0.99);
    expect(rateOf({ ...many, idleRedisShare: 0.0005 })).toBeCloseTo(50, 0);
  });

  test('the dispatcher: one image after another', () => {
    const slow = { workers: 1_000, windowImages: 3_000, dispatchSeconds: 0.02 };
    expect(rateOf(slow)).toBeCloseTo(50, 0);
    expect(simulate({ ...plant, ...slow }).dispatcherUse).toBeGreaterThan(0.95);
  });

  test('the same seed gives the same outcome', () => {
    expect(simulate({ ...plant, spread: 0.3, seed: 7 })).toEqual(
      simulate({ ...plant, spread: 0.3, seed: 7 }),
    );
  });
});

test('a forecast names the slowest part first, and includes the cost', () => {
  const measured = {
    ...{ imageSeconds: 1, shardSeconds: 0.9, mergeSeconds: 0.2, archiveSeconds: 0.01 },
    ...{ storeReads: 5, storeWrites: 5 },
  };
  const path = {
    ...{ images: 100, dispatchPerSecond: 2_000, imagesPerSecond: 30, archivePerSecond: 200 },
    ...{ redisCommands: 120, redisCpuSeconds: 0.0005, redisBenchmarkPerSecond: 100_000 },
    ...{ idleCommandsPerSecond: 10, idleCpuShare: 0.0001 },
  };
  const [few, many] = forecastScale(
    { measured, path, windowImages: 512 },
    {
      ...{ images: 10_000, fleets: [10, 1_000], spread: 0 },
      prices: { threadHour: 3.6, fixedHour: 0, thousandReads: 0, thousandWrites: 0 },
    },
  );
  expect(few?.asIs.limits[0]).toMatchObject({ part: 'inferenceThreads', imagesPerSecond: 10 });
  expect(few?.asIs.costPerThousandImages).toBeCloseTo(1, 1);
  expect(many?.asIs.limits[0]?.part).toBe('window');
  expect(many?.wideWindow.limits[0]?.part).not.toBe('window');
});
