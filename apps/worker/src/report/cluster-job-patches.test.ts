import type { Features, OpenModel } from '@umbra/engine';
import type { PatchCandidate } from '@umbra/report';
import { integrity } from '@umbra/shared/errors';
import { expect, test } from 'vitest';
import { clusterJobPatches, withoutPatches } from './cluster-job-patches.js';
import type { ReportRun } from './report-run.js';

test('a layer that gives NaN for a crop says so, and leaves the rest of the report', async () => {
  let closed = 0;
  const features: Features = {
    ...{ layer: 'conv1', channels: 2 },
    // biome-ignore lint/correctness/useYield: it fails before it gives anything.
    async *run() {
      throw integrity("Layer 'conv1' gives NaN");
    },
    async close() {
      closed += 1;
    },
  };
  const model = { openFeatures: async () => features } as unknown as OpenModel;
  const run = { requested: { request: { seed: 1 } }, signal: new AbortController().signal };
  const found = await clusterJobPatches(
    { ...run, services: { config: {} } } as unknown as ReportRun,
    { ...model, bundle: { input: {} } } as OpenModel,
    [{ id: 'img_00000000' } as PatchCandidate],
  );
  expect(found).toEqual(withoutPatches("Layer 'conv1' gives NaN"));
  expect(closed).toBe(1);
});
