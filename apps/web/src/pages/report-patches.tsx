import { useId, useState } from 'react';
import { cropPath, type JobReport, type PatchCluster, type Trial } from '../api/reports.js';
import { isService } from '../api/source.js';
import { formatCount } from '../lib/format.js';
import { formatNumber, formatShare } from '../lib/report-words.js';
import { isTrialEnded } from '../lib/trial-words.js';
import {
  ImageLink,
  lastName,
  More,
  Nothing,
  ReportSection,
  SmallPicture,
} from '../parts/report-section.js';
import { Trouble } from '../parts/states.js';
import { isOfReport, TrialList, TrialView, TryButton } from './report-trial.js';
import { useTrials } from './use-trials.js';

/** Members of a cluster whose crops are kept. */
const shownCrops = 12;

/** The patches that decide, by what the model sees in them. */
export function ReportPatches({ report }: { readonly report: JobReport }) {
  const { data: trials = [], error, refetch } = useTrials(report.job);
  const { clusters, images, candidates, layer, reason } = report.patches;
  return (
    <ReportSection
      id="patches"
      title="Decisive patches"
      explain={
        <>
          The patch that costs each image most, cut out and clustered by what the model sees in it
          {layer !== null && (
            <>
              {' '}
              (activations of <span className="id">{layer}</span>)
            </>
          )}
          .
          {isService() && (
            <>
              {' '}
              <em>Try it</em> covers a cluster’s patches in its class, and pastes them onto others.
            </>
          )}
        </>
      }
    >
      {clusters.length === 0 ? (
        <Nothing>{reason ?? 'No patch has been clustered yet.'}</Nothing>
      ) : (
        <More items={clusters} step={8} noun="clusters">
          {(shown) => (
            <ol className="clusters">
              {shown.map((cluster) => (
                <Cluster key={cluster.id} {...{ cluster, report, trials }} />
              ))}
            </ol>
          )}
        </More>
      )}
      {images < candidates && clusters.length > 0 && (
        <p className="note">
          {images.toLocaleString('en')} patches of {formatCount(candidates, 'image')} were run.
        </p>
      )}
      {error !== null && trials.length === 0 && (
        <Trouble error={error} onRetry={() => void refetch()} />
      )}
      <TrialList report={report} trials={trials} />
    </ReportSection>
  );
}

type ClusterProps = {
  readonly cluster: PatchCluster;
  readonly report: JobReport;
  readonly trials: readonly Trial[];
};

function Cluster({ cluster, report, trials }: ClusterProps) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const { job } = report;
  const latest = latestOf(trials, cluster, report);
  return (
    <li className="cluster" aria-labelledby={`${id}-name`}>
      <div className="cluster-head">
        <div className="cluster-words">
          <h3 id={`${id}-name`}>
            {cluster.class.label} <span className="note">cluster {cluster.id}</span>
          </h3>
          <ClusterNumbers cluster={cluster} />
        </div>
        <div className="row">
          <button
            type="button"
            className="button"
            aria-expanded={isOpen}
            aria-controls={`${id}-members`}
            onClick={() => setOpen(!isOpen)}
          >
            {isOpen ? 'Close' : 'Members'}
          </button>
          <TryButton
            job={job}
            cluster={cluster.id}
            isRunning={latest !== undefined && !isTrialEnded(latest)}
            wasTried={latest !== undefined}
          />
        </div>
      </div>
      <CropStrip cluster={cluster} job={job} />
      <div id={`${id}-members`} hidden={!isOpen}>
        {isOpen && <Members cluster={cluster} job={job} />}
      </div>
      {latest !== undefined && <TrialView trial={latest} />}
    </li>
  );
}

/** The last trial of a cluster of this very report. */
const latestOf = (trials: readonly Trial[], { id }: PatchCluster, report: JobReport) =>
  trials
    .filter((trial) => {
      const { of } = trial.request;
      return of.kind === 'cluster' && of.cluster === id && isOfReport(trial, report);
    })
    .toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))[0];

function ClusterNumbers({ cluster }: { readonly cluster: PatchCluster }) {
  const { images, share, medianDrop, medianLoss, offObject } = cluster;
  const facts: readonly (readonly [string, string])[] = [
    [images === 1 ? 'patch' : 'patches', images.toLocaleString('en')],
    ['of the class’s', formatShare(share)],
    ['median drop', formatNumber(medianDrop)],
    ...(medianLoss === null ? [] : [['of the score lost', formatShare(medianLoss)] as const]),
    ...(offObject === null ? [] : [['off the object', formatShare(offObject)] as const]),
  ];
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

type MembersProps = { readonly cluster: PatchCluster; readonly job: string };

const CropStrip = ({ cluster, job }: MembersProps) => (
  <ul className="crops" aria-label={`Patches of ${cluster.class.label}, the most typical first`}>
    {cluster.members.slice(0, shownCrops).map(({ id, name, drop }) => (
      <li key={id}>
        <ImageLink of={{ job, image: id }} className="crop">
          <SmallPicture
            path={cropPath(job, id)}
            alt={`Patch of ${lastName(name)}, drop ${formatNumber(drop)}`}
          />
        </ImageLink>
      </li>
    ))}
  </ul>
);

const Members = ({ cluster: { members, images }, job }: MembersProps) => (
  <>
    <ol className="members">
      {members.map(({ id, name, drop, similarity }) => (
        <li key={id}>
          <ImageLink of={{ job, image: id }}>{lastName(name)}</ImageLink>
          <span className="note">
            drop {formatNumber(drop)}, cosine {similarity.toFixed(2)}
          </span>
        </li>
      ))}
    </ol>
    {members.length < images && (
      <p className="note">
        The {members.length.toLocaleString('en')} most typical of {images.toLocaleString('en')}.
      </p>
    )}
  </>
);
