import type { PagePath } from '@umbra/shared/page-paths';
import { lazy, type ReactElement, Suspense } from 'react';
import { Route, Switch } from 'wouter';
import { ExplainPage } from './pages/explain.js';
import { JobsPage } from './pages/jobs.js';
import { ModelsPage } from './pages/models.js';
import { Layout } from './parts/layout.js';
import { Loading } from './parts/states.js';

// Each comes when it is asked for: the first page is there sooner.
const JobPage = lazy(async () => ({ default: (await import('./pages/job.js')).JobPage }));
const NewJobPage = lazy(async () => ({
  default: (await import('./pages/new-job.js')).NewJobPage,
}));
const ImagePage = lazy(async () => ({ default: (await import('./pages/image.js')).ImagePage }));
const ComparePage = lazy(async () => ({
  default: (await import('./pages/compare.js')).ComparePage,
}));
const DatasetsPage = lazy(async () => ({
  default: (await import('./pages/datasets.js')).DatasetsPage,
}));
const ModelPage = lazy(async () => ({ default: (await import('./pages/model.js')).ModelPage }));
const WorkersPage = lazy(async () => ({
  default: (await import('./pages/workers.js')).WorkersPage,
}));
const NotFoundPage = lazy(async () => ({
  default: (await import('./pages/not-found.js')).NotFoundPage,
}));

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
  '/compare': () => <ComparePage />,
  '/datasets': () => <DatasetsPage />,
  '/models': () => <ModelsPage />,
  '/models/:model': ({ model = '' }) => <ModelPage key={model} name={model} />,
  '/workers': () => <WorkersPage />,
};

export function App() {
  return (
    <Layout>
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
    </Layout>
  );
}
