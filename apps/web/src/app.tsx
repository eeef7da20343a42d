import type { PagePath } from '@umbra/shared/page-paths';
import type { ReactElement } from 'react';
import { Route, Switch } from 'wouter';
import { DatasetsPage } from './pages/datasets.js';
import { ExplainPage } from './pages/explain.js';
import { ImagePage } from './pages/image.js';
import { JobPage } from './pages/job.js';
import { JobsPage } from './pages/jobs.js';
import { ModelsPage } from './pages/models.js';
import { NotFoundPage } from './pages/not-found.js';
import { WorkersPage } from './pages/workers.js';
import { Layout } from './parts/layout.js';

type PathParams = { readonly job?: string; readonly image?: string };

/** The page of each path that the service answers with this page. */
const pages: Readonly<Record<PagePath, (params: PathParams) => ReactElement>> = {
  '/': () => <ExplainPage />,
  '/jobs': () => <JobsPage />,
  '/jobs/:job': ({ job = '' }) => <JobPage key={job} id={job} />,
  '/jobs/:job/images/:image': ({ job = '', image = '' }) => (
    <ImagePage key={`${job}/${image}`} job={job} image={image} />
  ),
  '/datasets': () => <DatasetsPage />,
  '/models': () => <ModelsPage />,
  '/workers': () => <WorkersPage />,
};

export function App() {
  return (
    <Layout>
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
    </Layout>
  );
}
