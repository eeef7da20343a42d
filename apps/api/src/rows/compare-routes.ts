import { comparedRow, jobComparison } from '@umbra/shared/contracts/comparison';
import { z } from 'zod';
import { operation, type Route, route } from '../http/operation.js';
import { jobParam } from '../http/params.js';
import { findJob } from '../jobs/find-job.js';
import type { ApiServices } from '../services.js';
import {
  comparedKinds,
  countDifferences,
  type JobPair,
  queryComparedPage,
} from './compare-rows.js';
import { filterParser } from './filters.js';
import { filtersOf, pageOf, pageQuery, sortBy, where } from './row-query.js';
import { sendPage } from './send-page.js';
import { parseSorting } from './sorting.js';

const common = {
  method: 'get',
  tag: 'results',
  scope: 'read',
  params: { ...jobParam, other: jobParam.job },
  problems: ['conflict', 'unavailable'],
} as const;

export const compareOperations = {
  count: operation({
    ...common,
    id: 'compareJobs',
    path: '/v1/jobs/{job}/compare/{other}',
    summary: 'Count what another job says otherwise of the same images',
    answers: {
      200: { description: 'The counts', content: { 'application/json': jobComparison } },
    },
  }),
  list: operation({
    ...common,
    id: 'listComparedRows',
    path: '/v1/jobs/{job}/compare/{other}/rows',
    summary: 'List the images that another job has too, with what came of them in both',
    description:
      "Fields are the job's, as those of its rows; `other.` and a field is the other job's, and `difference.` and a name what differs.",
    query: z.strictObject({ sort: sortBy('-difference.change'), where, ...pageQuery }),
    answers: {
      200: { description: 'A page', content: { 'application/json': pageOf(comparedRow) } },
    },
  }),
};

const parseFilter = filterParser(comparedKinds);

/** Routes that compare two jobs by their rows. */
export function compareRoutes(services: Pick<ApiServices, 'rowIndexes' | 'store'>): Route[] {
  const { rowIndexes } = services;
  const findJobs = (
    tenant: string,
    { job, other }: { readonly job: string; readonly other: string },
  ): Promise<JobPair> =>
    Promise.all([findJob(services, tenant, job), findJob(services, tenant, other)]);
  return [
    route(compareOperations.count, async (call) => {
      const { tenant, params, response, signal } = call;
      const jobs = await findJobs(tenant, params);
      const counts = await rowIndexes.useBoth(call, jobs, (...indexes) =>
        countDifferences(jobs, indexes, signal),
      );
      response.json(counts);
    }),
    route(compareOperations.list, async (call) => {
      const { tenant, params, query, response, signal } = call;
      const { limit, cursor } = query;
      const asked = {
        conditions: filtersOf(query.where).map(parseFilter),
        sorting: parseSorting(query.sort, comparedKinds),
      };
      const jobs = await findJobs(tenant, params);
      const page = await rowIndexes.useBoth(call, jobs, (...indexes) =>
        queryComparedPage(jobs, indexes, { ...asked, limit, cursor }, signal),
      );
      sendPage(response, page);
    }),
  ];
}
