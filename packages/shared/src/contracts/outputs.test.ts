import { describe, expect, test } from 'vitest';
import { jobRequest, newJobDefaults, storedJob } from './job.js';
import { allOutputs, askedOutputs, outputList } from './outputs.js';
import { mergePayload } from './shard.js';

const dataset = `ds_${'0'.repeat(20)}`;
const model = { name: 'tiny', digest: 'a'.repeat(64) };

describe('outputs', () => {
  test('of a job are what a look at each image needs, unless it asks otherwise', () => {
    expect(newJobDefaults.outputs).toEqual([
      ...['heatmap', 'thumbnail', 'scores', 'predicted-classes'],
    ]);
    // A request that does not ask is the one that it was: the digest of an Idempotency-Key tells.
    expect(jobRequest.parse({ dataset, model: 'tiny' })).not.toHaveProperty('outputs');
  });

  test('always have what the others are drawn from, each once, in one order', () => {
    expect(askedOutputs.parse([])).toEqual(['scores', 'predicted-classes']);
    expect(askedOutputs.parse(['attribution', 'overlay', 'overlay'])).toEqual([
      ...['overlay', 'scores', 'predicted-classes', 'attribution'],
    ]);
  });

  test('are refused where one is unknown, or there are too many', () => {
    expect(askedOutputs.safeParse(['result']).success).toBe(false);
    expect(askedOutputs.safeParse(Array(7).fill('overlay')).success).toBe(false);
  });

  test('are asked for in one word, too', () => {
    expect(outputList.parse('all')).toEqual(allOutputs);
    expect(outputList.parse('attribution,overlay')).toEqual(['overlay', 'attribution']);
    for (const bad of ['', 'overlay,', 'all,overlay', 'overlays', ' overlay']) {
      expect(outputList.safeParse(bad).success, bad).toBe(false);
    }
  });
});

describe('records of before a job could choose', () => {
  const { outputs: _, ...defaults } = newJobDefaults;
  const job = {
    ...defaults,
    ...{ version: 3, id: `job_${'0'.repeat(20)}`, dataset, model },
    settings: jobRequest.parse({ dataset, model: 'tiny' }).settings,
    counts: { total: 1, completed: 0, failed: 0 },
    createdAt: '2026-11-24T22:58:17.120Z',
  };

  test('mean all', () => {
    expect(storedJob.parse(job)).toEqual({ ...job, version: 4, outputs: allOutputs });
    const { attempt, ...second } = job;
    const old = storedJob.parse({ ...second, version: 2, run: attempt });
    expect(old).toMatchObject({ version: 4, attempt: 1, outputs: allOutputs });
  });

  test('in the queue mean all', () => {
    const item = {
      ...{ version: 1, id: 'img_00000000', name: 'a.png', sha256: 'b'.repeat(64) },
      ...{ bytes: 1, width: 8, height: 8 },
    };
    const work = {
      ...{ version: 2, tenant: 't', jobId: job.id, dataset, item, model },
      ...{ settings: job.settings, attempt: 2, reuse: true },
    };
    const wanted = { version: 3, outputs: allOutputs, attempt: 2 };
    expect(mergePayload.parse(work)).toMatchObject(wanted);
    const { attempt, ...first } = work;
    expect(mergePayload.parse({ ...first, version: 1, run: attempt })).toMatchObject(wanted);
  });
});
