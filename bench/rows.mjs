// How long the rows of a job of a million images take: the first question, which makes the index, and then every sort
// and a spread of filters, from the first page and from the middle. Over HTTP, from an API in this process.
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApi } from '@umbra/api';
import { apiConfig } from '@umbra/api/config';
import { readConfig } from '@umbra/platform/config';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { startRedis } from '../scripts/lib/redis.mjs';
import { writeJob } from './rows/write-job.mjs';

const sorts = [
  ...['id', 'index', 'name', 'label', 'state', 'error.code', 'error.message', 'predicted.index'],
  ...[
    'predicted.label',
    'predicted.probability',
    'predicted.aboveThreshold',
    'isRight',
    'top.label',
  ],
  ...[
    'target.index',
    'target.label',
    'score',
    'drop',
    'lowest.grid',
    'lowest.row',
    'lowest.column',
  ],
  ...['lowest.box.top', 'lowest.box.left', 'lowest.box.bottom', 'lowest.box.right', 'flips'],
  ...['flippedShare', 'borderShare', 'seconds', 'width', 'height'],
];

const filters = [
  ['drop>=0.1'],
  ['drop>=0.9'],
  ['drop>=2'],
  ['state=completed'],
  ['state!=completed'],
  ['isRight=false'],
  ['label=class 7'],
  ['label!='],
  ['predicted.label~99'],
  ['top.label~class 42'],
  ['top.label=class 42'],
  ['name~0777'],
  ['name~PHOTO'],
  ['error.message~no such text'],
  ['flips>0', 'borderShare<0.2', 'isRight=true'],
  ['name~7', 'top.label~3', 'predicted.label~1', 'drop>0.2'],
];

/**
 * @param {{ quick: boolean, rows?: number | undefined, report: (message: string) => void }} options
 */
export async function benchRows({ quick, rows: wanted, report }) {
  const rows = wanted ?? (quick ? 100_000 : 1_000_000);
  const rounds = 3;
  const dir = mkdtempSync(join(tmpdir(), 'umbra-bench-'));
  const redis = await startRedis({ dir: join(dir, 'redis') });
  const env = {
    REDIS_URL: redis.url,
    UMBRA_STORE_DIR: join(dir, 'store'),
    UMBRA_CACHE_DIR: join(dir, 'cache'),
    UMBRA_PORT: '0',
    UMBRA_AUTH: 'none',
    UMBRA_LOG_LEVEL: 'silent',
    UMBRA_REQUESTS_PER_MINUTE: '1000000',
  };
  const api = await startApi(readConfig(apiConfig, env));
  try {
    const job = await writeJob(createFsStore(join(dir, 'store')), rows, report);
    const ask = askOf(`${api.url}/v1/jobs/${job}`);
    const cold = await ask('/rows?limit=100');
    report(
      `first question, which makes the index: ${(cold.ms / 1000).toFixed(1)} s, CPU ${(cold.cpuMs / 1000).toFixed(1)} s`,
    );
    const middle = (await ask(`/rows?where=index%3D${Math.floor(rows / 2)}`)).answer.data[0];
    /** @type {Measured[]} */
    const measured = [];
    for (const [name, path] of questions(middle)) {
      const asked = [];
      for (let round = 0; round < rounds; round += 1) asked.push(await ask(path));
      const { median, max } = quantiles(asked.map(({ ms }) => ms));
      measured.push({ name, median, max, cpu: quantiles(asked.map(({ cpuMs }) => cpuMs)).median });
    }
    const groups = ['sort', 'deep', 'filter', 'facets'].map((group) => {
      const own = measured.filter(({ name }) => name.startsWith(group));
      const sorted = own.toSorted((a, b) => b.max - a.max);
      const summary = {
        group,
        questions: own.length,
        medianMs: quantiles(own.map(({ median }) => median)).median,
        slowestMedianMs: Math.max(...own.map(({ median }) => median)),
        worstMs: sorted[0]?.max ?? 0,
        worst: sorted[0]?.name ?? '',
        /** Of all threads: what other processes of the machine do has no part in it. */
        medianCpuMs: quantiles(own.map(({ cpu }) => cpu)).median,
        largestCpuMs: Math.max(...own.map(({ cpu }) => cpu)),
      };
      report(
        `${group}: ${own.length} questions, median ${summary.medianMs.toFixed(0)} ms, slowest median ${summary.slowestMedianMs.toFixed(0)} ms, worst ${summary.worstMs.toFixed(0)} ms (${summary.worst}); CPU median ${summary.medianCpuMs.toFixed(0)} ms, largest ${summary.largestCpuMs.toFixed(0)} ms`,
      );
      return summary;
    });
    const exports = /** @type {Record<string, number>} */ ({});
    for (const form of ['csv', 'jsonl', 'parquet']) {
      exports[form] = (await ask(`/rows.${form}?sort=-drop`)).ms / 1000;
      report(`rows.${form}, sorted: ${exports[form].toFixed(1)} s`);
    }
    const machine = { cores: cpus().length, model: cpus()[0]?.model ?? 'unknown' };
    return {
      rows,
      rounds,
      machine,
      ...{ coldSeconds: cold.ms / 1000, coldCpuSeconds: cold.cpuMs / 1000 },
      groups,
      exports,
      measured,
    };
  } finally {
    await api.close();
    await redis.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** @typedef {{ name: string, median: number, max: number, cpu: number }} Measured ms; `cpu` of this process, all threads */

/**
 * Every sort, from the first page and from the middle; filters by different sorts; facets.
 *
 * @param {any} middle A row from the middle of the dataset.
 * @returns {[string, string][]} names and paths
 */
function questions(middle) {
  const both = sorts.flatMap((field) => [field, `-${field}`]);
  const query = (
    /** @type {readonly string[]} */ where,
    /** @type {Record<string, string>} */ rest,
  ) => new URLSearchParams([...where.map((one) => pair('where', one)), ...Object.entries(rest)]);
  return [
    ...both.map((sort) => pair(`sort ${sort}`, `/rows?${query([], { sort })}`)),
    ...both.map((sort) => {
      const cursor = cursorAt(sort, middle);
      return pair(`deep ${sort}`, `/rows?${query([], { sort, cursor })}`);
    }),
    ...filters.flatMap((where) =>
      ['index', '-drop', 'name'].map((sort) =>
        pair(`filter ${where.join(' & ')} by ${sort}`, `/rows?${query(where, { sort })}`),
      ),
    ),
    ...[[], ...filters].map((where) =>
      pair(`facets ${where.join(' & ')}`, `/rows/facets?${query(where, {})}`),
    ),
  ];
}

/** @returns {[string, string]} */
const pair = (/** @type {string} */ name, /** @type {string} */ path) => [name, path];

/**
 * The cursor after a row, as the API writes it: a client would have to read half of all pages to get there.
 *
 * @param {string} sort
 * @param {any} row
 */
function cursorAt(sort, row) {
  const field = sort.replace(/^-/, '');
  const value =
    field === 'top.label'
      ? row.top.map((/** @type {any} */ one) => one.label).join('\n')
      : field.split('.').reduce((/** @type {any} */ inner, name) => inner?.[name], row);
  const place = { sort, value: value ?? null, index: row.index };
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** @param {string} base */
function askOf(base) {
  return async (/** @type {string} */ path) => {
    const used = process.cpuUsage();
    const began = performance.now();
    const response = await fetch(`${base}${path}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    const ms = performance.now() - began;
    const { user, system } = process.cpuUsage(used);
    const cpuMs = (user + system) / 1000;
    if (!response.ok) throw new Error(`${path}: ${response.status} ${bytes}`);
    const isJson = response.headers.get('content-type')?.startsWith('application/json;');
    return { ms, cpuMs, answer: isJson ? JSON.parse(bytes.toString()) : null };
  };
}

/** @param {readonly number[]} values */
function quantiles(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: sorted[(sorted.length - 1) >> 1] ?? 0, max: sorted.at(-1) ?? 0 };
}
