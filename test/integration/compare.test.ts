import { join } from 'node:path';
import { readVerifiedBundle } from '@umbra/engine';
import { writeTinyBundle } from '@umbra/engine/testing';
import { publishModel } from '@umbra/platform/store/models';
import { createApiKey } from '@umbra/platform/tenancy/api-keys';
import {
  type ComparedRow,
  comparedRow,
  type JobComparison,
  jobComparison,
} from '@umbra/shared/contracts/comparison';
import type { ImageRow } from '@umbra/shared/contracts/row';
import { newJobId } from '@umbra/shared/ids';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  waitForJob,
} from '../support/service.js';

type Photos = Awaited<ReturnType<typeof makePhotos>>;
type Page = { data: ComparedRow[]; next_cursor: string | null; total: number };

const settings = { patch: 8, stride: 8 };
let service: TestService;
let photos: Photos;
/** One dataset by one model with two strides, by another model, and scored in another unit. */
let jobs: { plain: string; finer: string; model: string; logits: string; finerLogits: string };
/** A dataset that shares three photos with it, one of them twice there. */
let shared: string;

async function uploadLabelled(files: Photos, folders: readonly string[]): Promise<string> {
  const form = new FormData();
  for (const [at, { name, bytes }] of files.entries()) {
    form.append('images', new Blob([new Uint8Array(bytes)]), `${folders[at]}/${at}-${name}`);
  }
  const response = await fetch(`${service.url}/v1/datasets?labels=folder`, {
    method: 'POST',
    body: form,
  });
  expect(response.status).toBe(201);
  return ((await response.json()) as { id: string }).id;
}

const runJob = async (dataset: string, more: object = {}, model = 'tiny'): Promise<string> => {
  const job = await submitJob(service.url, { dataset, model, settings: { ...settings, ...more } });
  await waitForJob(service.url, job);
  return job;
};

const get = (path: string) => fetch(`${service.url}/v1/jobs/${path}`);

async function countsOf(one: string, other: string): Promise<JobComparison> {
  const response = await get(`${one}/compare/${other}`);
  expect(response.status).toBe(200);
  return jobComparison.parse(await response.json());
}

async function pageOf(one: string, other: string, query: string): Promise<Page> {
  const response = await get(`${one}/compare/${other}/rows?${query}`);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  const page = JSON.parse(text) as Page;
  for (const row of page.data) expect(comparedRow.parse(row)).toEqual(row);
  return page;
}

/** All rows, a page of three at a time. */
async function listAll(one: string, other: string, query = ''): Promise<ComparedRow[]> {
  const rows: ComparedRow[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const next: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const page = await pageOf(one, other, `limit=3${query}${next}`);
    rows.push(...page.data);
    expect(page.total).toBeGreaterThanOrEqual(rows.length);
    cursor = page.next_cursor;
  }
  return rows;
}

const rowsOf = async (job: string): Promise<ImageRow[]> =>
  ((await (await get(`${job}/rows`)).json()) as { data: ImageRow[] }).data;

/** The rule that docs/rows.md states, of two finished rows of probabilities. */
function differenceOf(own: ImageRow, other: ImageRow): ComparedRow['difference'] {
  const centre = ({ lowest }: ImageRow) => {
    const { top = 0, left = 0, bottom = 0, right = 0 } = lowest?.box ?? {};
    return { y: (top + bottom) / 2, x: (left + right) / 2 };
  };
  const [from, to] = [centre(own), centre(other)];
  const score = (other.score ?? 0) - (own.score ?? 0);
  const drop = (other.drop ?? 0) - (own.drop ?? 0);
  const distance = Math.hypot(to.y - from.y, to.x - from.x);
  const distanceShare = distance / Math.hypot(own.width, own.height);
  const predicted = own.predicted?.label !== other.predicted?.label;
  const sizes = Math.min(1, Math.abs(score)) + Math.min(1, Math.abs(drop)) + distanceShare;
  const change = Number(predicted) + sizes / 3;
  const target = own.target?.label !== other.target?.label;
  return { change, predicted, target, score, drop, distance, distanceShare };
}

/** Numbers that two programs computed are equal up to the last digits. */
const closely = (difference: ComparedRow['difference']) =>
  Object.fromEntries(
    Object.entries(difference).map(([name, value]) => [
      name,
      typeof value === 'number' ? expect.closeTo(value, 10) : value,
    ]),
  );

beforeAll(async () => {
  service = await startService();
  const bundle = await writeTinyBundle(join(service.folder, 'more'), { name: 'other', seed: 7 });
  await publishModel(service.store, bundle, await readVerifiedBundle(bundle));
  await service.startWorker();
  photos = await makePhotos(7);
  const folders = ['kind 0', 'kind 1', 'kind 2', 'kind 3', 'kind 4', 'kind 0', 'kind 1'];
  const dataset = await uploadLabelled(photos, folders);
  const taken = [4, 1, 1, 6].map((at) => photos[at] ?? { name: '', bytes: Buffer.alloc(0) });
  const elsewhere = await uploadLabelled([...taken, ...(await makePhotos(9)).slice(8)], folders);
  jobs = {
    plain: await runJob(dataset),
    finer: await runJob(dataset, { stride: 4 }),
    model: await runJob(dataset, {}, 'other'),
    logits: await runJob(dataset, { score: 'logit' }),
    finerLogits: await runJob(dataset, { score: 'logit', stride: 4 }),
  };
  shared = await runJob(elsewhere);
}, 300_000);
afterAll(() => service.close());

describe('two jobs of one dataset', () => {
  test.each(['finer', 'model'] as const)('are compared image by image: %s', async (name) => {
    const [own, others] = [await rowsOf(jobs.plain), await rowsOf(jobs[name])];
    const found = await listAll(jobs.plain, jobs[name], '&sort=index');
    expect(found).toHaveLength(7);
    for (const [at, { other, difference, ...row }] of found.entries()) {
      expect(row).toEqual(own[at]);
      expect(other).toEqual(others[at]);
      expect(difference).toEqual(closely(differenceOf(row, other)));
    }
  });

  test('come with those that changed most first, and are sorted by any difference', async () => {
    const all = await listAll(jobs.plain, jobs.model);
    const changes = all.map(({ difference }) => difference.change ?? Number.NaN);
    expect(changes).toEqual(changes.toSorted((a, b) => b - a));
    for (const field of ['score', 'drop', 'distance', 'distanceShare'] as const) {
      const values = (await listAll(jobs.plain, jobs.model, `&sort=difference.${field}`)).map(
        ({ difference }) => difference[field] ?? Number.NaN,
      );
      expect(values).toEqual(values.toSorted((a, b) => a - b));
    }
    const scores = (await listAll(jobs.plain, jobs.model, '&sort=-other.score')).map(
      ({ other }) => other.score ?? Number.NaN,
    );
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  });

  test('are counted and filtered by what changed', async () => {
    const all = await listAll(jobs.plain, jobs.model);
    const changed = all.filter(({ difference }) => difference.predicted).length;
    const lost = all.filter(({ isRight, other }) => isRight === true && other.isRight === false);
    const gained = all.filter(({ isRight, other }) => isRight === false && other.isRight === true);
    // Else this test would say nothing.
    expect(changed).toBeGreaterThan(0);
    expect(await countsOf(jobs.plain, jobs.model)).toEqual({
      ...{ matchedBy: 'image', isSameModel: false, isSameScore: true },
      ...{ both: 7, onlyJob: 0, onlyOther: 0, completed: 7, predictedChanged: changed },
      ...{ rightToWrong: lost.length, wrongToRight: gained.length },
    });
    const where = ['isRight=true', 'other.isRight=false'].map(encodeURIComponent);
    const filtered = await listAll(jobs.plain, jobs.model, `&where=${where.join('&where=')}`);
    expect(filtered.map(({ id }) => id)).toEqual(lost.map(({ id }) => id));
    const back = await countsOf(jobs.model, jobs.plain);
    expect([back.rightToWrong, back.wrongToRight]).toEqual([gained.length, lost.length]);
  });

  test('of one job differ in nothing', async () => {
    const [first] = await listAll(jobs.plain, jobs.plain);
    expect(first?.difference).toMatchObject({ change: 0, predicted: false, distance: 0 });
    expect((await countsOf(jobs.plain, jobs.plain)).predictedChanged).toBe(0);
  });

  test('of numbers without a bound count each difference below 1', async () => {
    const sizeOf = (difference: number | null) => {
      const size = Math.abs(difference ?? 0);
      return size / (1 + size);
    };
    const all = await listAll(jobs.logits, jobs.finerLogits);
    for (const { difference } of all) {
      const { score, drop, distanceShare } = difference;
      const sizes = sizeOf(score) + sizeOf(drop) + (distanceShare ?? 0);
      expect(difference.change).toBeCloseTo(sizes / 3, 10);
    }
    expect(all.some(({ difference }) => difference.drop !== 0)).toBe(true);
  });

  test('have no difference of scores in two units', async () => {
    expect(await countsOf(jobs.plain, jobs.logits)).toMatchObject({ isSameScore: false, both: 7 });
    for (const { difference, score, other } of await listAll(jobs.plain, jobs.logits)) {
      expect([difference.score, difference.drop]).toEqual([null, null]);
      expect(score).not.toBe(other.score);
      expect(difference.change).toBeCloseTo((difference.distanceShare ?? 1) / 3, 10);
    }
  });
});

describe('jobs of two datasets', () => {
  test('are compared by their photos, copies in their order', async () => {
    const found = await listAll(jobs.plain, shared, '&sort=index');
    // The photo that is there once is the first of its two copies.
    expect(found.map(({ index, other }) => [index, other.index])).toEqual([
      [1, 1],
      [4, 0],
      [6, 3],
    ]);
    for (const { difference, predicted, other } of found) {
      expect(other.predicted).toEqual(predicted);
      expect(difference).toMatchObject({ change: 0, score: 0, drop: 0, distance: 0 });
    }
    expect(await countsOf(jobs.plain, shared)).toMatchObject({
      ...{ matchedBy: 'photo', both: 3, onlyJob: 4, onlyOther: 2, predictedChanged: 0 },
    });
    expect((await countsOf(shared, shared)).both).toBe(5);
  });
});

test.each([
  ['sort=change', 'sort: Expected a field of rows'],
  ['sort=-other.nothing', 'sort: Expected a field of rows'],
  ['where=difference.score>much', 'where: Expected a number after difference.score>'],
  ['where=others.score>1', 'where: Expected a field of rows'],
  ['cursor=abc', 'cursor: Expected a next_cursor'],
  ['limit=0', 'limit'],
  ['page=2', 'page'],
])('?%s is answered 400', async (query, words) => {
  const response = await get(`${jobs.plain}/compare/${jobs.model}/rows?${query}`);
  expect(response.status).toBe(400);
  expect(await response.text()).toContain(words);
});

test('a job that is none is answered 404, on either side', async () => {
  for (const path of [
    `${jobs.plain}/compare/${newJobId()}`,
    `${newJobId()}/compare/${jobs.plain}`,
  ]) {
    for (const rest of ['', '/rows']) expect((await get(`${path}${rest}`)).status).toBe(404);
  }
});

test("another tenant's job is answered 404, on either side", async () => {
  const guarded = await startService({ UMBRA_AUTH: 'keys' });
  try {
    const keyOf = async (tenant: string) =>
      (await createApiKey(guarded.store, { tenant, scopes: ['submit'] })).text;
    const call = (key: string, path: string, init: RequestInit = {}) =>
      fetch(`${guarded.url}/v1${path}`, {
        ...init,
        headers: { ...init.headers, authorization: `Bearer ${key}` },
      });
    const makeJob = async (key: string): Promise<string> => {
      const form = new FormData();
      for (const { name, bytes } of photos.slice(0, 1)) {
        form.append('images', new Blob([new Uint8Array(bytes)]), name);
      }
      const uploaded = await call(key, '/datasets', { method: 'POST', body: form });
      const { id: dataset } = (await uploaded.json()) as { id: string };
      const made = await call(key, '/jobs', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ dataset, model: 'tiny' }),
      });
      return ((await made.json()) as { id: string }).id;
    };
    const [alice, bob] = [await keyOf('alice'), await keyOf('bob')];
    const [own, theirs] = [await makeJob(alice), await makeJob(bob)];
    for (const rest of ['', '/rows']) {
      expect((await call(alice, `/jobs/${own}/compare/${own}${rest}`)).status).toBe(200);
      expect((await call(alice, `/jobs/${own}/compare/${theirs}${rest}`)).status).toBe(404);
      expect((await call(alice, `/jobs/${theirs}/compare/${own}${rest}`)).status).toBe(404);
    }
  } finally {
    await guarded.close();
  }
});
