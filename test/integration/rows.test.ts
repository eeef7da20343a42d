import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBConnection } from '@duckdb/node-api';
import { createJobProgressStore } from '@umbra/platform/redis/job-progress';
import { defaultTenant, keys } from '@umbra/platform/store/keys';
import { imageResult } from '@umbra/shared/contracts/result';
import {
  completedRow,
  type ImageRow,
  imageRow,
  type RowFacets,
  rowFacets,
} from '@umbra/shared/contracts/row';
import { imageIdAt } from '@umbra/shared/ids';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  makePhotos,
  startService,
  submitJob,
  type TestService,
  upload,
  waitForJob,
} from '../support/service.js';

const settings = { patch: 8, stride: 8, target: { kind: 'label' } };
/** Of the model's five classes, of none, and one that a spreadsheet would run. */
const folders = ['kind 0', 'kind 1', 'KIND 2', 'house', '=1+1', 'kind 0', 'kind 4', 'kind 1'];
let service: TestService;
let dataset: string;
let job: string;

type Page = { data: ImageRow[]; next_cursor: string | null; total: number };

const get = (of: string, path: string) => fetch(`${service.url}/v1/jobs/${of}/rows${path}`);
const queryOf = (where: readonly string[], more: Record<string, string> = {}) =>
  new URLSearchParams([
    ...where.map((one): [string, string] => ['where', one]),
    ...Object.entries(more),
  ]);

async function listPage(of: string, query: URLSearchParams = new URLSearchParams()): Promise<Page> {
  const response = await get(of, `?${query}`);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  const page = JSON.parse(text) as Page;
  for (const row of page.data) expect(imageRow.parse(row)).toEqual(row);
  return page;
}

/** All rows, a page of three at a time. */
async function listAll(
  of: string,
  sort: string,
  where: readonly string[] = [],
): Promise<ImageRow[]> {
  const rows: ImageRow[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const more: Record<string, string> = cursor === '' ? {} : { cursor };
    const page = await listPage(of, queryOf(where, { sort, limit: '3', ...more }));
    rows.push(...page.data);
    cursor = page.next_cursor;
  }
  return rows;
}

async function uploadLabelled(of: TestService): Promise<string> {
  const photos = await makePhotos(folders.length);
  const form = new FormData();
  for (const [index, { name, bytes }] of photos.entries()) {
    form.append('images', new Blob([new Uint8Array(bytes)]), `${folders[index]}/${name}`);
  }
  const response = await fetch(`${of.url}/v1/datasets?labels=folder`, {
    method: 'POST',
    body: form,
  });
  expect(response.status).toBe(201);
  return ((await response.json()) as { id: string }).id;
}

/** The value of a field, by its name. */
const valueIn = (row: ImageRow, field: string): unknown =>
  field.split('.').reduce<unknown>((inner, name) => (inner as never)?.[name], row) ?? null;

beforeAll(async () => {
  service = await startService();
  await service.startWorker();
  dataset = await uploadLabelled(service);
  job = await submitJob(service.url, { dataset, model: 'tiny', settings });
  await waitForJob(service.url, job);
});
afterAll(() => service.close());

describe('rows of a job', () => {
  test('say what results and failures say, in the order of the images', async () => {
    const { data, total, next_cursor } = await listPage(job);
    expect([data.length, total, next_cursor]).toEqual([8, 8, null]);
    for (const [index, row] of data.entries()) {
      const id = imageIdAt(index);
      const label = folders[index];
      expect(row).toMatchObject({ id, index, label, width: 40, height: 36 });
      expect(row.name).toBe(`${label}/photo-${index}.png`);
      if (row.state === 'failed') {
        expect(['house', '=1+1']).toContain(label);
        expect(row.error?.message).toContain(`got '${label}'`);
        expect([row.score, row.isRight, row.lowest]).toEqual([null, null, null]);
        continue;
      }
      const bytes = await service.store.get(keys.result(defaultTenant, job, id, 'result.json'));
      const { version, attempt, ...said } = completedRow(
        1,
        imageResult.parse(JSON.parse(bytes.toString())),
        row.seconds,
      );
      expect(row).toEqual({ ...said, ...{ index, name: row.name, label, width: 40, height: 36 } });
      expect(row.isRight).toBe(row.predicted?.label === label?.toLowerCase());
      expect(row.target?.label).toBe(label?.toLowerCase());
      expect(row.top).toHaveLength(5);
      expect(row.seconds).toBeGreaterThan(0);
    }
  });

  test.each([
    ...['index', 'id', 'name', 'label', 'state', 'error.code', 'error.message', 'isRight'],
    ...['predicted.index', 'predicted.label', 'predicted.probability', 'target.index'],
    ...['target.label', 'score', 'drop', 'lowest.grid', 'lowest.row', 'lowest.column', 'flips'],
    ...['lowest.box.top', 'lowest.box.left', 'lowest.box.bottom', 'lowest.box.right'],
    ...['flippedShare', 'borderShare', 'seconds', 'width', 'height', 'predicted.aboveThreshold'],
  ])('are sorted by %s both ways, page by page', async (field) => {
    const all = (await listPage(job)).data;
    for (const [sort, sign] of [
      [field, 1],
      [`-${field}`, -1],
    ] as const) {
      const expected = all.toSorted((a, b) => {
        const [x, y] = [valueIn(a, field), valueIn(b, field)] as [never, never];
        if (x === null || y === null)
          return Number(x === null) - Number(y === null) || a.index - b.index;
        return x < y ? -sign : x > y ? sign : a.index - b.index;
      });
      expect((await listAll(job, sort)).map(({ index }) => index)).toEqual(
        expected.map(({ index }) => index),
      );
    }
  });

  test('are filtered, each with an honest total', async () => {
    const all = (await listPage(job)).data;
    const median = all.flatMap(({ drop }) => drop ?? []).toSorted((a, b) => a - b)[2] ?? 0;
    const cases: [string[], (row: ImageRow) => boolean][] = [
      [['state=failed'], ({ state }) => state === 'failed'],
      [[`drop>=${median}`], ({ drop }) => drop !== null && drop >= median],
      [[`drop<${median}`, 'state=completed'], ({ drop }) => drop !== null && drop < median],
      [['label~KIND'], ({ label }) => String(label).toLowerCase().includes('kind')],
      [['label!=house'], ({ label }) => label !== 'house'],
      [['isRight='], ({ isRight }) => isRight === null],
      [['isRight=true'], ({ isRight }) => isRight === true],
      [['index>=2', 'index<=4'], ({ index }) => index >= 2 && index <= 4],
      [['error.message~"'], () => false],
      [['top.label=kind 3'], ({ top }) => top?.some(({ label }) => label === 'kind 3') ?? false],
      [["name=' OR true --"], () => false],
    ];
    for (const [where, fits] of cases) {
      const expected = all.filter(fits).map(({ index }) => index);
      const page = await listPage(job, queryOf(where, { limit: '1' }));
      expect(page.total, where.join()).toBe(expected.length);
      expect((await listAll(job, 'index', where)).map(({ index }) => index)).toEqual(expected);
    }
  });

  test.each([
    ['where=dropped>1', 'where: Expected a field of rows'],
    ['where=drop>much', "where: Expected a number after drop>, got 'much'"],
    ['sort=-nothing', 'sort: Expected a field of rows'],
    ['cursor=abc', 'cursor: Expected a next_cursor'],
    ['limit=0', 'limit'],
    [Array(17).fill('where=drop>0').join('&'), 'where'],
  ])('?%s is answered 400', async (query, words) => {
    const response = await get(job, `?${query}`);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(words);
  });

  test('are counted by what they say', async () => {
    const facetsOf = async (where: readonly string[], more = {}): Promise<RowFacets> =>
      rowFacets.parse(await (await get(job, `/facets?${queryOf(where, more)}`)).json());
    const all = (await listPage(job)).data;
    const facets = await facetsOf([]);
    expect(facets.total).toBe(8);
    expect(facets.states).toEqual([
      { state: 'completed', count: 6 },
      { state: 'failed', count: 2 },
    ]);
    const right = all.filter(({ isRight }) => isRight === true).length;
    expect(facets.isRight).toEqual({ right, wrong: 6 - right, unknown: 2 });
    expect(facets.labels.distinct).toBe(6);
    expect(facets.labels.values.slice(0, 2)).toEqual([
      { label: 'kind 0', count: 2 },
      { label: 'kind 1', count: 2 },
    ]);
    const sum = (counts: readonly { count: number }[]) =>
      counts.reduce((total, { count }) => total + count, 0);
    expect([sum(facets.predicted.values), sum(facets.pairs.values)]).toEqual([6, 8]);
    const some = await facetsOf(['label~kind', 'state=completed'], { limit: '1' });
    expect([some.total, some.labels.distinct, some.labels.values.length]).toEqual([6, 4, 1]);
  });
});

describe('tables of rows', () => {
  const bytesOf = async (form: string, query = ''): Promise<Buffer> => {
    const response = await get(job, `.${form}?${query}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename=${job}.${form}`);
    return Buffer.from(await response.arrayBuffer());
  };

  test('as JSON Lines are the rows', async () => {
    const lines = String(await bytesOf('jsonl', 'sort=-drop&where=state=completed'))
      .trim()
      .split('\n');
    const rows = lines.map((line) => imageRow.parse(JSON.parse(line)));
    expect(rows).toEqual(await listAll(job, '-drop', ['state=completed']));
  });

  test('as CSV run no formula in a spreadsheet', async () => {
    const [header, ...lines] = String(await bytesOf('csv'))
      .trim()
      .split('\n');
    expect(header?.split(',').slice(0, 5)).toEqual(['id', 'index', 'name', 'label', 'state']);
    expect(lines).toHaveLength(8);
    expect(lines[4]).toMatch(/^img_00000004,4,'=1\+1\/photo-4\.png,'=1\+1,failed,/);
  });

  test('as Parquet have a column a field', async () => {
    const file = join(service.folder, 'rows.parquet');
    await writeFile(file, await bytesOf('parquet', 'sort=-score'));
    const connection = await DuckDBConnection.create();
    const read = await connection.runAndReadAll(
      `SELECT "index", "predicted.label", score FROM read_parquet('${file}')`,
    );
    const expected = (await listAll(job, '-score')).map(({ index, predicted, score }) => [
      ...[index, predicted?.label ?? null, score],
    ]);
    expect(read.getRows()).toEqual(expected);
    connection.closeSync();
  });

  test('of no rows are empty', async () => {
    expect(String(await bytesOf('jsonl', 'where=drop>9')).trim()).toBe('');
    expect(
      String(await bytesOf('csv', 'where=drop>9'))
        .trim()
        .split('\n'),
    ).toHaveLength(1);
  });
});

test('a retry replaces the rows of its images, and keeps the others', async () => {
  const before = (await listPage(job)).data;
  await fetch(`${service.url}/v1/jobs/${job}/retry`, { method: 'POST' });
  await waitForJob(
    service.url,
    job,
    ({ state, attempt }) => state === 'completed' && attempt === 2,
  );
  expect((await listPage(job)).data).toEqual(before);
});

test('an ended job of before rows were kept has them made from its results', async () => {
  const old = await submitJob(service.url, { dataset, model: 'tiny', settings });
  await waitForJob(service.url, old);
  let segments = 0;
  for await (const { key } of service.store.list(keys.rowSegments(defaultTenant, old))) {
    await service.store.delete(key);
    segments += 1;
  }
  expect(segments).toBe(1);
  const rows = (await listPage(old)).data;
  const known = (await listPage(job)).data;
  const told = ({ id, state, score, drop, flips, error }: ImageRow) => {
    return { id, state, score, drop, flips, error: error?.code };
  };
  expect(rows.map(told)).toEqual(known.map(told));
  await fetch(`${service.url}/v1/jobs/${old}`, { method: 'DELETE' });
  expect((await get(old, '')).status).toBe(404);
});

test("a deleted job's segments go with it", async () => {
  const gone = await submitJob(service.url, { dataset, model: 'tiny', settings });
  await waitForJob(service.url, gone);
  await fetch(`${service.url}/v1/jobs/${gone}`, { method: 'DELETE' });
  for await (const { key } of service.store.list(keys.jobFiles(defaultTenant, gone))) {
    expect(key).toBe('gone');
  }
});

describe('while a job runs', () => {
  test('its images wait, run and end, and later rows replace earlier ones', async () => {
    const quiet = await startService();
    const redis = new Redis(quiet.redis.url);
    try {
      const progress = createJobProgressStore(redis);
      const open = await submitJob(quiet.url, {
        ...{ dataset: await uploadLabelled(quiet), model: 'tiny', settings },
      });
      const rowsOf = async (query = '') => {
        // Rows of a running job are brought up to date once a second.
        await new Promise((resolve) => setTimeout(resolve, 1_100));
        const response = await fetch(`${quiet.url}/v1/jobs/${open}/rows${query}`);
        expect(response.status).toBe(200);
        return (await response.json()) as Page;
      };
      expect((await rowsOf()).data.map(({ state }) => state)).toEqual(Array(8).fill('pending'));
      const rowAt = (index: number, changes: object = {}) =>
        JSON.stringify({
          ...{ version: 1, id: imageIdAt(index), attempt: 1, state: 'completed', error: null },
          ...{ predicted: null, isRight: null, top: null, target: null, score: index, drop: index },
          ...{ lowest: null, flips: 0, flippedShare: 0, borderShare: null, seconds: 1 },
          ...changes,
        });
      await progress.finishImage(open, 2, 'completed', rowAt(2));
      const page = await rowsOf('?where=state%3Dcompleted');
      expect([page.total, page.data[0]?.index]).toEqual([1, 2]);
      await progress.finishImage(open, 1, 'completed', rowAt(1));
      await progress.finishImage(open, 3, 'completed', rowAt(3));
      // As where its results were lost, and it ran again.
      await progress.clear(open);
      await progress.finishImage(open, 2, 'completed', rowAt(2, { score: 20 }));
      const { data } = await rowsOf('?sort=-score');
      expect(data.map(({ index, score }) => [index, score]).slice(0, 4)).toEqual([
        [2, 20],
        [3, 3],
        [1, 1],
        [0, null],
      ]);
    } finally {
      redis.disconnect();
      await quiet.close();
    }
  });

  test('rows that Redis lost are there in the end', async () => {
    const lossy = await startService({ UMBRA_WINDOW_IMAGES: '2', UMBRA_RESUME_MS: '300' });
    try {
      const own = await upload(lossy.url, await makePhotos(30));
      const { id } = (await own.json()) as { id: string };
      const work = { dataset: id, model: 'tiny', settings: { patch: 8, stride: 1 } };
      const running = await submitJob(lossy.url, work);
      await lossy.startWorker();
      await waitForJob(lossy.url, running, ({ counts }) => counts.completed >= 5);
      const redis = new Redis(lossy.redis.url);
      await redis.flushall();
      redis.disconnect();
      const { state, counts } = await waitForJob(lossy.url, running);
      expect([state, counts.completed]).toEqual(['completed', 30]);
      const response = await fetch(`${lossy.url}/v1/jobs/${running}/rows?where=state=completed`);
      const { total, data } = (await response.json()) as Page;
      expect([total, new Set(data.map(({ id: image }) => image)).size]).toEqual([30, 30]);
    } finally {
      await lossy.close();
    }
  }, 90_000);
});
