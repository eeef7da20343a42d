import { licencesPath, type OfflineContents } from '@umbra/shared/offline-page';
import { Link, Redirect, Route, Router, Switch } from 'wouter';
import { reportFilePath } from '../api/reports.js';
import { addressOf, has } from '../api/source.js';
import { formatCount, formatTime } from '../lib/format.js';
import { ImagePage } from '../pages/image.js';
import { JobPage } from '../pages/job.js';
import { ReportPage } from '../pages/report.js';
import { Frame } from '../parts/frame.js';
import { PageHead } from '../parts/page-head.js';
import { ThemeSwitch } from '../parts/theme-switch.js';
import { useHashPath } from './hash-location.js';

export type OfflineAppProps = { readonly contents: OfflineContents };

/** The pages of one job, of what its file has. */
export function OfflineApp({ contents }: OfflineAppProps) {
  return (
    <Router hook={useHashPath}>
      <Frame
        bar={
          <>
            <span className="kept">{describe(contents)}</span>
            <div className="bar-end">
              <ThemeSwitch />
            </div>
          </>
        }
        foot={
          <>
            <span>Written on {formatTime(contents.writtenAt)}</span>
            <a href={addressOf(licencesPath) ?? undefined} download="licences.md">
              Licences
            </a>
          </>
        }
      >
        <Switch>
          <Route path="/">
            <Redirect to={firstPath(contents)} replace />
          </Route>
          <Route path="/jobs/:job">{({ job = '' }) => <JobPage key={job} id={job} />}</Route>
          <Route path="/jobs/:job/report">
            {({ job = '' }) => <ReportPage key={job} id={job} />}
          </Route>
          <Route path="/jobs/:job/images/:image">
            {({ job = '', image = '' }) => (
              <ImagePage key={`${job}/${image}`} job={job} image={image} />
            )}
          </Route>
          <Route>
            <PageHead title="There is no such page" lead={<Link href="/">Back to the job</Link>} />
          </Route>
        </Switch>
      </Frame>
    </Router>
  );
}

/** The job's wall, or its report where the file has no image. */
const firstPath = ({ job, sort, rows }: OfflineContents): string =>
  rows.length === 0 && has(reportFilePath(job, 'json'))
    ? `/jobs/${job}/report`
    : `/jobs/${job}?sort=${sort}`;

/** How much of the job is there, and which part. */
function describe({ job, rows, total, sort, where }: OfflineContents): string {
  if (rows.length === 0 && has(reportFilePath(job, 'json')))
    return `The report of a job of ${formatCount(total, 'image')}, in one file.`;
  const fit = where.length === 0 ? '' : ` with ${where.join(' and ')}`;
  if (rows.length === total)
    return `All ${formatCount(total, 'image')} of a job${fit}, in one file.`;
  const field = sort.replace(/^-/, '');
  const order = `the ${sort === field ? 'smallest' : 'largest'} ${field} first`;
  return `${rows.length.toLocaleString('en')} of ${formatCount(total, 'image')} of a job${fit}, in one file: ${order}.`;
}
