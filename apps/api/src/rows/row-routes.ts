import { imageRow, rowFacets } from '@umbra/shared/contracts/row';
import { z } from 'zod';
import { operation, type Route, route } from '../http/operation.js';
import { jobParam } from '../http/params.js';
import { findJob } from '../jobs/find-job.js';
import type { ApiServices } from '../services.js';
import { type ExportServices, exportRows, type TableForm, tableForms } from './export-rows.js';
import { parseFilter } from './filters.js';
import { queryFacets } from './query-facets.js';
import { queryPage } from './query-rows.js';
import { filtersOf, pageOf, pageQuery, sortBy, where } from './row-query.js';
import { sendPage } from './send-page.js';
import { parseSorting } from './sorting.js';

const tableQuery = z.strictObject({ sort: sortBy('index'), where });
const common = { method: 'get', tag: 'results', scope: 'read', params: jobParam } as const;
const problems = ['conflict', 'unavailable'] as const;

const tableOperation = <const F extends TableForm>(form: F, id: string, summary: string) =>
  operation({
    ...common,
    id,
    path: `/v1/jobs/{job}/rows.${form}`,
    summary,
    query: tableQuery,
    answers: {
      200: {
        description: 'The table',
        content: { [tableForms[form].mediaType]: form === 'jsonl' ? imageRow : 'bytes' },
      },
    },
    problems,
  });

export const rowOperations = {
  list: operation({
    ...common,
    id: 'listRows',
    path: '/v1/jobs/{job}/rows',
    summary: "List a job's images with what came of them, sorted and filtered by any field",
    query: tableQuery.extend(pageQuery),
    answers: {
      200: { description: 'A page', content: { 'application/json': pageOf(imageRow) } },
    },
    problems,
  }),
  facets: operation({
    ...common,
    id: 'getRowFacets',
    path: '/v1/jobs/{job}/rows/facets',
    summary: "Count a job's images by state, label and predicted class",
    query: z.strictObject({
      where,
      limit: z.coerce
        .number()
        .int()
        .min(1)
        .max(1_000)
        .default(100)
        .describe('Values of each facet, the most frequent first'),
    }),
    answers: { 200: { description: 'The counts', content: { 'application/json': rowFacets } } },
    problems,
  }),
  csv: tableOperation('csv', 'getRowsCsv', "Download a job's rows as CSV, a column a field"),
  jsonl: tableOperation('jsonl', 'getRowsJsonl', "Download a job's rows as JSON Lines"),
  parquet: tableOperation(
    'parquet',
    'getRowsParquet',
    "Download a job's rows as Parquet, a column a field",
  ),
};

type RowServices = ExportServices & Pick<ApiServices, 'store'>;

/** Routes of the rows of a job's images. */
export function rowRoutes(services: RowServices): Route[] {
  const { rowIndexes } = services;
  return [
    route(rowOperations.facets, async (call) => {
      const { tenant, params, query, response, signal } = call;
      const conditions = filtersOf(query.where).map(parseFilter);
      const job = await findJob(services, tenant, params.job);
      const facets = await rowIndexes.use(call, job, (index) =>
        queryFacets(index, { conditions, limit: query.limit }, signal),
      );
      response.json(facets);
    }),
    route(rowOperations.list, async (call) => {
      const { tenant, params, query, response, signal } = call;
      const { limit, cursor } = query;
      const asked = {
        conditions: filtersOf(query.where).map(parseFilter),
        sorting: parseSorting(query.sort),
      };
      const job = await findJob(services, tenant, params.job);
      const page = await rowIndexes.use(call, job, (index) =>
        queryPage(index, { ...asked, limit, cursor }, signal),
      );
      sendPage(response, page);
    }),
    ...(['csv', 'jsonl', 'parquet'] as const).map((form) =>
      route(rowOperations[form], async (call) => {
        const { tenant, params, query } = call;
        const conditions = filtersOf(query.where).map(parseFilter);
        const sorting = parseSorting(query.sort);
        const job = await findJob(services, tenant, params.job);
        await exportRows(services, job, { conditions, sorting, form }, call);
      }),
    ),
  ];
}
