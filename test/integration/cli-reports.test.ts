import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultTenant } from '@umbra/platform/store/keys';
import { readReportStatus } from '@umbra/platform/store/reports';
import { at } from '@umbra/shared/assert';
import { type JobReport, jobReport } from '@umbra/shared/contracts/report';
import type { Trial } from '@umbra/shared/contracts/trial';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type CliJob, quickSettings, startCliJob } from '../support/cli-job.js';
import { submitJob, type TestService, waitForJob } from '../support/service.js';

// Each runs commands, and each of them is a process.
vi.setConfig({ testTimeout: 180_000 });

let started: CliJob;
let service: TestService;
let folder: string;
let job: string;
/** Another job on the same dataset, with another fill. */
let other: string;

beforeAll(async () => {
  started = await startCliJob();
  ({ service, folder, job } = started);
  const { dataset } = started;
  const settings = { ...quickSettings, fill: { kind: 'mean' } };
  other = await submitJob(service.url, { dataset, model: 'tiny', settings });
  await waitForJob(service.url, other);
});
afterAll(() => started.close());

const getReport = async (): Promise<JobReport> =>
  jobReport.parse(await (await fetch(`${service.url}/v1/jobs/${job}/report.json`)).json());

const run = (...args: string[]) => started.run(args);

test('a report is made and printed, without a colour', async () => {
  const { code, stdout, stderr } = await run('report', job);
  expect(code, stderr).toBe(0);
  expect(stdout).toContain(`Job ${job}, model tiny: 3 images with a result, of 3 that ended`);
  const { classes } = await getReport();
  const { mean, low, high } = at(classes, 0).drop;
  const drop = `${mean.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
  expect(stdout).toContain(drop);
  expect(stdout).not.toContain('\u001b');
});

test('a gate has an exit code of its own, and what is not known breaks it', async () => {
  const gates = ['--fail-if', 'images>2', '--fail-if', 'accuracy<0.5,images>3'];
  const { code, stdout, stderr } = await run('report', job, ...gates, '--json');
  expect(JSON.parse(stdout)).toEqual(await getReport());
  expect(stderr).toContain("--fail-if 'images>2': images is 3, so this fails");
  expect(stderr).toContain("--fail-if 'accuracy<0.5': accuracy is not known, so this fails");
  expect(stderr).toContain("--fail-if 'images>3': images is 3, which is all right");
  expect(code).toBe(4);
  expect(await run('report', job, '--fail-if', 'images>3')).toMatchObject({ code: 0 });
});

test('a report is held against that of another job, which must be there', async () => {
  const missing = await run('report', job, '--against', other);
  expect(missing.stderr).toContain(`Job '${other}' has no report`);
  expect(missing.code).toBe(2);
  expect(await run('report', other)).toMatchObject({ code: 0 });
  const change = ['--fail-if', 'drop.change>-2'];
  const { code, stdout } = await run('report', job, '--against', other, ...change);
  expect(stdout).toContain(`Job ${job} against job ${other}`);
  expect(code).toBe(4);
});

test('a report is written as a table, and into the file of its job', async () => {
  const table = join(folder, 'report.parquet');
  const html = join(folder, 'job.html');
  const made = await run('report', job, '--parquet', table, '--html', html);
  expect(made.code, made.stderr).toBe(0);
  expect((await readFile(table)).subarray(0, 4).toString()).toBe('PAR1');
  const own = { tenant: defaultTenant, id: job };
  const before = await readReportStatus(service.store, own);
  const again = join(folder, 'again.html');
  expect((await run('report', job, '--html', again)).stdout).toBe('');
  // It took the report that was there.
  expect(await readReportStatus(service.store, own)).toEqual(before);
  for (const file of [html, again]) {
    const text = await readFile(file, 'utf8');
    for (const path of ['report.json', 'report', 'trials']) {
      expect(text).toContain(`data-path="/v1/jobs/${job}/${path}"`);
    }
    expect(text).toContain('/images/img_00000002/result.json"');
  }
});

test('a report is asked for and not waited for', async () => {
  const { code, stdout, stderr } = await run(
    'report',
    job,
    '--patches',
    '9',
    '--no-wait',
    '--json',
  );
  expect(JSON.parse(stdout)).toMatchObject({ job, request: { patches: 9 } });
  expect(stderr).toContain(`'umbra report ${job}' follows it`);
  expect(code).toBe(0);
});

test('a trial is told in words, listed, and cancelled', async () => {
  const { label } = at((await getReport()).classes, 0).class;
  const region = ['--class', label, '--region', '0,0,0.5,0.5'];
  const first = await run('trial', job, ...region);
  expect(first.code, first.stderr).toBe(0);
  expect(first.stdout).toMatch(
    /^Covering it in \d images of 'kind \d' (loses|gains) [\d.]+ accuracy points \(.*; covering as much/,
  );
  const queued = await run('trial', job, ...region, '--seed', '7', '--no-wait', '--json');
  const { id } = JSON.parse(queued.stdout) as Trial;
  const listed = await run('trial', job);
  expect(listed.stdout).toMatch(/^trial_\w+ +kind \d at 0,0,0.5,0.5 +completed +\d/m);
  expect(listed.stdout).toContain(id);
  const cancelled = await run('trial', job, '--cancel', id);
  expect(cancelled.stderr).toContain(`Trial ${id}`);
  expect(cancelled.code).toBe(0);
});

test.each([
  [['--cluster', '700'], 'of.cluster: Expected one of the report'],
  [['--cluster', 'x'], '--cluster: Expected a number'],
  [['--class', 'a', '--region', '0,0,1,0.5', '--index', '-1'], '--index: '],
  [['--cluster', '0', '--index', '1'], 'Expected --cluster N, or --class NAME and --region'],
  [['--class', 'a'], 'Expected --cluster N, or --class NAME and --region'],
  [['--images', '5'], 'Expected --cluster N, or --class NAME and --region'],
  [['--class', 'a', '--region', '0,0,1'], 'Expected --region TOP,LEFT,BOTTOM,RIGHT'],
  [['--class', 'a', '--region', '0,0,0,1'], '--region: Expected top < bottom'],
])('trial %j is wrong use', async (flags, words) => {
  const { code, stderr } = await run('trial', job, ...flags);
  expect(stderr).toContain(words);
  expect(code).toBe(2);
});
