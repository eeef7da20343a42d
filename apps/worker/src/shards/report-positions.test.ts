import type { ShardPositions } from '@umbra/platform/redis/job-progress';
import { allOutputs } from '@umbra/shared/contracts/outputs';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import type { ShardPayload } from '@umbra/shared/contracts/shard';
import { imageIdAt, newDatasetId, newJobId } from '@umbra/shared/ids';
import { expect, test } from 'vitest';
import { openPositionReport } from './report-positions.js';

const shard: ShardPayload = {
  version: 3,
  tenant: 'acme',
  jobId: newJobId(),
  dataset: newDatasetId(),
  item: {
    ...{ version: 1, id: imageIdAt(3), name: 'photo.png', sha256: 'ab'.repeat(32) },
    ...{ bytes: 100, width: 8, height: 8 },
  },
  model: { name: 'tiny', digest: 'cd'.repeat(32) },
  settings: occlusionSettings.parse({ patch: 4, stride: 4 }),
  outputs: allOutputs,
  attempt: 1,
  reuse: true,
  rowStart: 7,
  rowEnd: 9,
};

/** A report by a clock that the test sets, and what it told. */
function openReport(fails = false) {
  const told: ShardPositions[] = [];
  let published = 0;
  const clock = { ms: 0 };
  const services = {
    progress: {
      countPositions: async (_: string, positions: ShardPositions) => {
        if (fails) throw new Error('Redis is away');
        told.push(positions);
      },
    },
    events: {
      addProgress: async () => {
        published += 1;
      },
    },
    logger: { warn: () => undefined },
  };
  const report = openPositionReport(
    services as unknown as Parameters<typeof openPositionReport>[0],
    shard,
    () => clock.ms,
  );
  return { report, told, clock, published: () => published };
}

test('positions are told while a shard runs, once a second at most, and all at its end', async () => {
  const { report, told, clock, published } = openReport();
  for (let batch = 0; batch < 50; batch++) {
    clock.ms += 100;
    report.add(8);
  }
  await report.finish(420);
  const own = { image: 3, rowStart: 7 };
  expect(told).toEqual([
    ...[80, 160, 240, 320, 400].map((done) => ({ ...own, done, fresh: 80 })),
    // Some were reused.
    { ...own, done: 420, fresh: 20 },
  ]);
  expect(published()).toBe(6);
});

test('a Redis that is away fails no shard', async () => {
  const { report, clock } = openReport(true);
  clock.ms = 5_000;
  report.add(8);
  await expect(report.finish(8)).resolves.toBeUndefined();
});
