import type { PagePath } from '@umbra/shared/page-paths';
import { type ComponentType, lazy, type ReactElement, Suspense } from 'react';
import { Route, Switch, useLocation } from 'wouter';
import { ServiceError } from './api/http.js';
import { ExplainPage } from './pages/explain.js';
import { JobsPage } from './pages/jobs.js';
import { ModelsPage } from './pages/models.js';
import { Layout } from './parts/layout.js';
import { PageBoundary } from './parts/page-boundary.js';
import { Loading } from './parts/states.js';

// Each comes when it is asked for: the first page is there sooner.
const JobPage = later(async () => (await import('./pages/job.js')).JobPage);
const NewJobPage = later(async () => (await import('./pages/new-job.js')).NewJobPage);
const ImagePage = later(async () => (await import('./pages/image.js')).ImagePage);
const ReportPage = later(async () => (await import('./pages/report.js')).ReportPage);
const ComparePage = later(async () => (await import('./pages/compare.js')).ComparePage);
const DatasetsPage = later(async () => (await import('./pages/datasets.js')).DatasetsPage);
const ModelPage = later(async () => (await import('./pages/model.js')).ModelPage);
const WorkersPage = later(async () => (await import('./pages/workers.js')).WorkersPage);
const NotFoundPage = later(async () => (await import('./pages/not-found.js')).NotFoundPage);

type PathParams = { readonly job?: string; readonly image?: string; readonly model?: string };

/** The page of each path that the service answers with this page. */
const pages: Readonly<Record<PagePath, (params: PathParams) => ReactElement>> = {
  '/': () => <ExplainPage />,
  '/jobs': () => <JobsPage />,
  // Before the jobs, whose pattern it fits.
  '/jobs/new': () => <NewJobPage />,
  '/jobs/:job': ({ job = '' }) => <JobPage key={job} id={job} />,
  '/jobs/:job/images/:image': ({ job = '', image = '' }) => (
    <ImagePage key={`${job}/${image}`} job={job} image={image} />
  ),
  '/jobs/:job/report': ({ job = '' }) => <ReportPage key={job} id={job} />,
  '/compare': () => <ComparePage />,
  '/datasets': () => <DatasetsPage />,
  '/models': () => <ModelsPage />,
  '/models/:model': ({ model = '' }) => <ModelPage key={model} name={model} />,
  '/workers': () => <WorkersPage />,
};

export function App() {
  const [location] = useLocation();
  return (
    <Layout>
      <PageBoundary key={location}>
        <Suspense fallback={<Loading what="the page" />}>
          <Switch>
            {Object.entries(pages).map(([path, show]) => (
              <Route key={path} path={path}>
                {(params: PathParams) => show(params)}
              </Route>
            ))}
            <Route>
              <NotFoundPage />
            </Route>
          </Switch>
        </Suspense>
      </PageBoundary>
    </Layout>
  );
}

/** A page that comes when it is asked for, which fails where the service does not answer or has another build. */
function later<P>(load: () => Promise<ComponentType<P>>) {
  const fail = () => {
    throw new ServiceError('offline', 'This page could not be loaded.');
  };
  return lazy(async () => ({ default: await load().catch(fail) }));
}
