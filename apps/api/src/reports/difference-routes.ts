import { keys } from '@umbra/platform/store/keys';
import { compareReports } from '@umbra/report';
import { reportDifference } from '@umbra/shared/contracts/report-difference';
import { forCaller } from '../http/for-caller.js';
import { answerNotModified } from '../http/not-modified.js';
import { operation, type Route, route } from '../http/operation.js';
import { jobParam } from '../http/params.js';
import { findJob } from '../jobs/find-job.js';
import type { ApiServices } from '../services.js';
import { findReport } from './find-report.js';

export const differenceOperations = {
  compare: operation({
    method: 'get',
    tag: 'results',
    scope: 'read',
    id: 'compareReports',
    path: '/v1/jobs/{job}/report/against/{other}',
    params: { ...jobParam, other: jobParam.job },
    summary: "Get how this job's report differs from another one's",
    answers: {
      200: {
        description: "What differs, this job's numbers (b) minus the other's (a)",
        content: { 'application/json': reportDifference },
        headers: { ETag: 'Entity tag of the content, for If-None-Match' },
      },
      304: { description: 'The client has it already' },
    },
    problems: ['conflict'],
  }),
};

/** Routes that compare the reports of two jobs. */
export function differenceRoutes(services: Pick<ApiServices, 'store' | 'turns'>): Route[] {
  return [
    route(differenceOperations.compare, async (call) => {
      const { tenant, params, request, response } = call;
      const { store } = forCaller(services, call);
      const jobs = [params.job, params.other];
      await Promise.all(jobs.map((id) => findJob({ store }, tenant, id)));
      const written = await Promise.all(jobs.map((id) => store.head(keys.report(tenant, id))));
      if (!written.includes(null) && answerNotModified(request, response, written)) return;
      const difference = await services.turns.queries.run(call, async () => {
        const a = await findReport(store, tenant, { id: params.other });
        const b = await findReport(store, tenant, { id: params.job });
        return compareReports(a, b);
      });
      response.json(difference);
    }),
  ];
}
