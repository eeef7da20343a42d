import type { Estimate, JobReport } from '../api/reports.js';
import { has } from '../api/source.js';
import { AgreementHistogram } from '../charts/agreement-histogram.js';
import { Interval, spanOf } from '../charts/interval.js';
import { formatCount } from '../lib/format.js';
import {
  formatEstimate,
  formatNumber,
  formatP,
  formatShare,
  listNames,
} from '../lib/report-words.js';
import {
  ImageLink,
  lastName,
  More,
  ReportSection,
  SmallPicture,
  thumbnailPath,
} from '../parts/report-section.js';

type Trust = JobReport['trust'];

/** Whether the maps can be relied on. */
export const ReportTrust = ({ report }: { readonly report: JobReport }) => (
  <ReportSection
    id="trust"
    title="Trust"
    explain="Whether maps of the same image agree when fill or patch size change, and whether the pixels that they name first matter more than pixels drawn at random."
  >
    <div className="trust">
      <OrderCard order={report.trust.order} />
      <AgreementCard agreement={report.trust.agreement} job={report.job} />
    </div>
  </ReportSection>
);

function OrderCard({ order }: { readonly order: Trust['order'] }) {
  return (
    <div className="card trust-card">
      <h3>Deletion and insertion</h3>
      {order === null ? (
        <p className="note">Not checked: no image was asked for, or none could be run.</p>
      ) : (
        <Order order={order} />
      )}
    </div>
  );
}

function Order({ order }: { readonly order: NonNullable<Trust['order']> }) {
  const { images, steps, p } = order;
  const rows: readonly (readonly [string, Estimate, Estimate, number, string])[] = [
    ['Deletion', order.deletion, order.randomDeletion, p.deletion, 'lower is better'],
    ['Insertion', order.insertion, order.randomInsertion, p.insertion, 'higher is better'],
  ];
  const span = spanOf(rows.flatMap(([, maps, random]) => [maps, random]));
  return (
    <>
      <table className="table order">
        <thead>
          <tr>
            <th scope="col">Area under the score</th>
            <td className="order-chart" />
            <th scope="col" className="figure">
              Mean
            </th>
          </tr>
        </thead>
        {rows.map(([name, maps, random, chance, hint]) => (
          <tbody key={name}>
            <tr>
              <th scope="row">
                {name} <span className="note">{hint}</span>
              </th>
              <td className="order-chart">
                <Interval estimate={maps} span={span} />
              </td>
              <td className="figure">{formatEstimate(maps, formatNumber)}</td>
            </tr>
            <tr className="order-random">
              <th scope="row">
                at random <span className="note">p {formatP(chance)}</span>
              </th>
              <td className="order-chart">
                <Interval estimate={random} span={span} tone="pale" />
              </td>
              <td className="figure">{formatEstimate(random, formatNumber)}</td>
            </tr>
          </tbody>
        ))}
      </table>
      <p className="note">
        Of {formatCount(images, 'image')}, in {formatCount(steps, 'step')}.
      </p>
    </>
  );
}

type AgreementCardProps = { readonly agreement: Trust['agreement']; readonly job: string };

function AgreementCard({ agreement, job }: AgreementCardProps) {
  return (
    <div className="card trust-card">
      <h3>Agreement of maps</h3>
      {agreement === null ? (
        <p className="note">
          Not known: this job has one patch size, and no job with another fill was held against it.
        </p>
      ) : (
        <>
          <Agreement agreement={agreement} />
          <LeastAgreeing agreement={agreement} job={job} />
        </>
      )}
    </div>
  );
}

function Agreement({ agreement }: { readonly agreement: NonNullable<Trust['agreement']> }) {
  const { maps, images, mean, threshold, unstable, histogram } = agreement;
  const stable = images === 0 ? 0 : (images - unstable) / images;
  return (
    <>
      <p className="trust-number">
        <strong>{formatNumber(mean.mean)}</strong>{' '}
        <span className="note">
          [{formatNumber(mean.low)}, {formatNumber(mean.high)}] mean rank correlation between{' '}
          {maps.some(({ job }) => job !== null) ? 'fills' : 'patches, px:'}{' '}
          {listNames(maps.map(({ name }) => name))}
        </span>
      </p>
      <AgreementHistogram histogram={histogram} threshold={threshold} />
      <p className="split-words">
        <span>{formatShare(stable)} agree</span>
        <span>
          {formatCount(unstable, 'image')} below {formatNumber(threshold)}: not ranked
        </span>
      </p>
    </>
  );
}

type LeastAgreeingProps = {
  readonly agreement: NonNullable<Trust['agreement']>;
  readonly job: string;
};

function LeastAgreeing({ agreement: { worst }, job }: LeastAgreeingProps) {
  if (worst.length === 0) return null;
  return (
    <div className="least">
      <h4>Least agreeing</h4>
      <More items={worst} step={10} noun="images">
        {(shown) => (
          <ul className="thumbs">
            {shown.map(({ id, name, agreement }) => (
              <li key={id}>
                <ImageLink of={{ job, image: id }} className="thumb">
                  {has(thumbnailPath({ job, image: id })) && (
                    <SmallPicture path={thumbnailPath({ job, image: id })} alt="" />
                  )}
                  <span className="thumb-name">{lastName(name)}</span>
                  <span className="note">{formatNumber(agreement)}</span>
                </ImageLink>
              </li>
            ))}
          </ul>
        )}
      </More>
    </div>
  );
}
