import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobRecord } from '@umbra/shared/contracts/job';
import { type Exchange, sendBody } from '../http/send-object.js';
import type { ApiServices } from '../services.js';
import { quote, quoteName, type Session } from './database.js';
import { fieldNames, kindOf } from './fields.js';
import { allOf } from './filters.js';
import type { OpenIndex } from './job-indexes.js';
import type { RowQuery } from './query-rows.js';
import { flatColumns, nestedColumns } from './row-json.js';
import { orderBy } from './sorting.js';

/** What spreadsheets would run as a formula begins so; an apostrophe before it makes it a text. */
const formula = '^[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20]';

const safeColumns = fieldNames
  .map((name) => {
    const column = quoteName(name);
    const kind = kindOf(name);
    if (kind !== 'text' && kind !== 'list') return column;
    const text = kind === 'list' ? `replace(${column}, chr(10), ' | ')` : column;
    return `CASE WHEN regexp_matches(${column}, ${quote(formula)}) THEN '''' || ${text} ELSE ${text} END AS ${column}`;
  })
  .join(', ');

/** Forms of a table of rows. */
export const tableForms = {
  csv: {
    mediaType: 'text/csv',
    columns: safeColumns,
    options: `FORMAT csv, HEADER true, NULLSTR ''`,
  },
  jsonl: { mediaType: 'application/jsonl', columns: nestedColumns, options: 'FORMAT json' },
  parquet: {
    mediaType: 'application/vnd.apache.parquet',
    columns: flatColumns,
    options: 'FORMAT parquet, COMPRESSION zstd',
  },
} as const;
export type TableForm = keyof typeof tableForms;

export type ExportServices = Pick<ApiServices, 'rowIndexes' | 'turns' | 'config'>;

/** Time after which a table that is not written yet begins to be sent, ms. */
const beginMs = 1_000;

/**
 * Send the rows of a job as a table. It is written to disk first, since sorted rows are complete only at the
 * end, and a slow client then holds a file and no memory. Where that takes time the answer begins meanwhile, so that
 * a browser shows the download; it then has no length, and what fails after that cuts it off. Over HTTP/1.0, which
 * some proxies speak, the end of an answer without a length shows nothing: there it begins when its length is known.
 */
export async function exportRows(
  { rowIndexes, turns, config }: ExportServices,
  job: JobRecord,
  query: RowQuery & { readonly form: TableForm },
  exchange: Exchange,
): Promise<void> {
  const { request, response, signal } = exchange;
  const showsCut = request.httpVersion !== '1.0';
  await turns.exports.run(exchange, async () => {
    const describe = () =>
      response.attachment(`${job.id}.${query.form}`).type(tableForms[query.form].mediaType);
    const file = await rowIndexes.use(exchange, job, async (index) => {
      const begin = setTimeout(() => showsCut && describe().flushHeaders(), beginMs);
      return writeTable(index, query, signal).finally(() => clearTimeout(begin));
    });
    try {
      const { size } = await stat(file);
      if (!response.headersSent) describe().set('Content-Length', String(size));
      const body = createReadStream(file).on('data', turns.exports.moved);
      await sendBody(config, body, exchange);
    } finally {
      await rm(file, { force: true });
    }
  });
}

/** @returns Path of a file, which the caller removes. */
async function writeTable(
  { within, folder, table }: OpenIndex,
  { conditions, sorting, form }: RowQuery & { readonly form: TableForm },
  signal: AbortSignal,
): Promise<string> {
  const { columns, options } = tableForms[form];
  const { sql, values } = allOf(conditions);
  const exports = join(folder, 'exports');
  await mkdir(exports, { recursive: true });
  const file = join(exports, `${randomUUID()}.${form}`);
  const rows = `SELECT ${columns} FROM (SELECT * FROM ${table} WHERE ${sql}) r ORDER BY ${orderBy(sorting, 'r.')}`;
  const write = (session: Session) =>
    session.run(`COPY (${rows}) TO ${quote(file)} (${options})`, values);
  try {
    await within(signal, write);
    return file;
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}
