import { ingestPayload } from '@umbra/shared/contracts/dataset';
import { allOutputs } from '@umbra/shared/contracts/outputs';
import { reportPayload } from '@umbra/shared/contracts/report';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import {
  archivePayload,
  mergePayload,
  shardPayload,
  webhookPayload,
} from '@umbra/shared/contracts/shard';
import { trialPayload } from '@umbra/shared/contracts/trial';
import { newJobId } from '@umbra/shared/ids';
import { type JobsOptions, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { describe, expect, inject, test } from 'vitest';
import {
  beginReport,
  enqueueArchive,
  enqueueIngest,
  enqueueReport,
  enqueueTrial,
  enqueueWebhook,
  imageFlow,
} from './enqueue.js';
import { queueJobIds, queueOptions } from './names.js';

const jobId = `job_${'a'.repeat(20)}`;
const sha256 = 'a'.repeat(64);
const item = {
  version: 1 as const,
  id: 'img_00000000',
  name: 'a.png',
  sha256,
  bytes: 1,
  width: 8,
  height: 8,
};
const work = {
  version: 3 as const,
  tenant: 't',
  jobId,
  dataset: 'ds_1',
  item,
  model: { name: 'net', digest: sha256 },
  settings: occlusionSettings.parse({}),
  outputs: allOutputs,
  attempt: 2,
  reuse: true,
};
const shards = [
  { rowStart: 0, rowEnd: 4 },
  { rowStart: 4, rowEnd: 6 },
];

type Added = { readonly name: string; readonly data: unknown; readonly opts: JobsOptions };

/** What was added to a queue, by a function that adds one queue job. */
async function addedBy(enqueue: (queue: never) => Promise<void>): Promise<Added> {
  const added: Added[] = [];
  const queue = {
    add: async (name: string, data: unknown, opts: JobsOptions) => added.push({ name, data, opts }),
  };
  await enqueue(queue as never);
  expect(added).toHaveLength(1);
  return added[0] as Added;
}

describe('an enqueued payload', () => {
  test('of a dataset is one that its step reads', async () => {
    const id = `ds_${'a'.repeat(20)}`;
    const { data, opts } = await addedBy((queue) => enqueueIngest(queue, { tenant: 't', id }));
    expect(ingestPayload.parse(data)).toEqual({ version: 1, tenant: 't', dataset: id });
    expect(opts.jobId).toBe(`ingest-${id}`);
  });

  test('of an archive is one that its step reads', async () => {
    const { data, opts } = await addedBy((queue) =>
      enqueueArchive(queue, { tenant: 't', id: jobId, attempt: 2 }),
    );
    expect(archivePayload.parse(data)).toEqual({ version: 1, tenant: 't', jobId });
    expect(opts.jobId).toBe(`archive-${jobId}-2`);
  });

  test('of a report or a trial is one that its step reads', async () => {
    const job = { tenant: 't', id: jobId };
    const report = await addedBy((queue) => enqueueReport(queue, job));
    expect(reportPayload.parse(report.data)).toEqual({ version: 1, tenant: 't', jobId });
    expect(report.opts.jobId).toBe(`report-${jobId}`);
    const id = `trial_${'b'.repeat(20)}`;
    const trial = await addedBy((queue) => enqueueTrial(queue, job, id));
    expect(trialPayload.parse(trial.data)).toEqual({ version: 1, tenant: 't', jobId, trial: id });
    expect(trial.opts.jobId).toBe(id);
  });

  test('of a webhook is one that its step reads', async () => {
    const { data, opts } = await addedBy((queue) =>
      enqueueWebhook(queue, { tenant: 't', jobId, delivery: 'd', round: 1, retryMs: 20_000 }),
    );
    expect(webhookPayload.parse(data)).toMatchObject({ delivery: 'd' });
    expect(opts).toMatchObject({
      attempts: 13,
      backoff: { type: 'exponential', delay: 20_000, jitter: 0.3 },
      jobId: 'webhook-d-1',
    });
  });
});

describe('the flow of an image', () => {
  const flow = imageFlow({
    work,
    shards,
    shardQueue: 'shardTfjs',
    interactive: false,
    trace: 'carrier',
  });

  test('is a merge with a child for each shard, each one that its step reads', () => {
    expect(mergePayload.parse(flow.data)).toMatchObject({ version: 3, jobId, attempt: 2 });
    expect(flow.children?.map(({ data }) => shardPayload.parse(data))).toMatchObject(shards);
    expect(flow.queueName).toBe('merge');
    expect(flow.children?.map(({ queueName }) => queueName)).toEqual(['shard-tfjs', 'shard-tfjs']);
  });

  test('has ids of its job, attempt and image', () => {
    expect(flow.opts?.jobId).toBe(`merge-${jobId}-2-img_00000000`);
    expect(flow.children?.map(({ opts }) => opts?.jobId)).toEqual([
      `shard-${jobId}-2-img_00000000-0`,
      `shard-${jobId}-2-img_00000000-4`,
    ]);
  });

  test('runs after interactive ones, and carries its trace', () => {
    expect(flow.opts).toMatchObject({ priority: 10, telemetry: { metadata: 'carrier' } });
    const interactive = imageFlow({
      work,
      shards,
      shardQueue: 'shard',
      interactive: true,
      trace: undefined,
    });
    expect(interactive.opts).not.toHaveProperty('priority');
    expect(interactive.opts).not.toHaveProperty('telemetry');
  });

  test('merges where a shard has failed', () => {
    for (const child of flow.children ?? []) {
      expect(child.opts).toMatchObject({ attempts: 3, ignoreDependencyOnFailure: true });
    }
  });
});

test('a report that waits begins at once, and one that does not is left alone', async () => {
  const connection = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  const queue = new Queue(`begin-${process.pid}`, { connection, ...queueOptions });
  const id = newJobId();
  const name = queueJobIds.report(id);
  await queue.add('report', {}, { delay: 60_000, jobId: name });
  await beginReport(queue, { id });
  expect(await queue.getJobState(name)).toBe('waiting');
  await beginReport(queue, { id });
  await beginReport(queue, { id: newJobId() });
  expect(await queue.getJobCounts('waiting', 'delayed')).toEqual({ waiting: 1, delayed: 0 });
  await queue.obliterate();
  await queue.close();
  connection.disconnect();
});
