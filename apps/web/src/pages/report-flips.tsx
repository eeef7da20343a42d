import { useQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { type ImageOfJob, readGeometry } from '../api/images.js';
import { photoPath } from '../api/pictures.js';
import type { FlipEdge, JobReport } from '../api/reports.js';
import { addressOf, has } from '../api/source.js';
import { percentBox } from '../heat/heat.js';
import { flipMatrix, toName } from '../lib/flip-matrix.js';
import { formatCount } from '../lib/format.js';
import { formatShare } from '../lib/report-words.js';
import {
  ImageLink,
  lastName,
  More,
  Nothing,
  ReportSection,
  ScrolledTable,
} from '../parts/report-section.js';

export type ReportFlipsProps = { readonly report: JobReport; readonly dataset: string };

/** Most classes of the matrix: more of them are too small to read. */
const maxInMatrix = 12;
const shownAtOnce = 10;

/** Which class wins where evidence of another is covered. */
export function ReportFlips({ report, dataset }: ReportFlipsProps) {
  const { flips } = report;
  const most = Math.max(...flips.map(({ share }) => share));
  return (
    <ReportSection
      id="flips"
      title="Flips"
      explain="What the model says instead once some patch of an image is covered, as a share of the images of which it says the one without."
    >
      {flips.length === 0 ? (
        <Nothing>No patch changes any decision.</Nothing>
      ) : (
        <div className="flips">
          <div>
            <More items={flips} step={shownAtOnce} noun="pairs">
              {(shown) => (
                <ol className="flip-list">
                  {shown.map((flip, at) => (
                    <Flip
                      key={`${flip.from.label} ${toName(flip)}`}
                      {...{ flip, most, dataset }}
                      job={report.job}
                      isFirst={at === 0}
                    />
                  ))}
                </ol>
              )}
            </More>
          </div>
          <Matrix flips={flips} />
        </div>
      )}
    </ReportSection>
  );
}

type FlipProps = {
  readonly flip: FlipEdge;
  /** The largest share, which the bars end at. */
  readonly most: number;
  readonly job: string;
  readonly dataset: string;
  readonly isFirst: boolean;
};

function Flip({ flip, most, job, dataset, isFirst }: FlipProps) {
  const [isOpen, setOpen] = useState(isFirst);
  const id = useId();
  const { from, images, share, examples } = flip;
  return (
    <li className="flip">
      <button
        type="button"
        className="flip-open"
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => setOpen(!isOpen)}
      >
        <span className="flip-names">
          {from.label} <span className="flip-arrow">→</span> {toName(flip)}
        </span>
        <span className="flip-bar" aria-hidden="true">
          <span style={{ width: `${(100 * share) / most}%` }} />
        </span>
        <span className="figure">{formatShare(share)}</span>
        <span className="figure note">{formatCount(images, 'image')}</span>
      </button>
      <div id={id} hidden={!isOpen}>
        {isOpen && (
          <ul
            className="flip-examples"
            aria-label={`Patches whose covering leads to ${toName(flip)}`}
          >
            {examples.map((example) => (
              <li key={example.id}>
                <Example example={example} job={job} dataset={dataset} />
              </li>
            ))}
          </ul>
        )}
      </div>
    </li>
  );
}

type ExampleProps = {
  readonly example: FlipEdge['examples'][number];
  readonly job: string;
  readonly dataset: string;
};

/** A photo with the patch on it that changes the decision. */
function Example({ example, job, dataset }: ExampleProps) {
  const { id, name, box } = example;
  const of: ImageOfJob = { job, image: id };
  const { data: place } = useQuery({
    queryKey: ['geometry', job, id],
    queryFn: ({ signal }) => readGeometry(of, signal),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const photo = photoPath(dataset, id);
  const words = `rows ${box.top} to ${box.bottom}, columns ${box.left} to ${box.right} of ${lastName(name)}`;
  return (
    <ImageLink of={of} className="flip-example">
      {has(photo) && (
        <span className="flip-photo">
          <img src={addressOf(photo) ?? undefined} alt={`Patch at ${words}`} loading="lazy" />
          {place !== undefined && (
            <span className="flip-box" style={percentBox(box, place.photo)} />
          )}
        </span>
      )}
      <span className="note">{lastName(name)}</span>
    </ImageLink>
  );
}

function Matrix({ flips }: { readonly flips: readonly FlipEdge[] }) {
  const { classes, shares } = flipMatrix(flips, maxInMatrix);
  const most = Math.max(...shares.flat());
  return (
    <div className="flip-matrix">
      <h3>From (row) to (column), % of the row’s images</h3>
      <ScrolledTable label="Flips between classes, in percent">
        <thead>
          <tr>
            <td />
            {classes.map((name) => (
              <th key={name} scope="col">
                <span>{name}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {classes.map(
            (from, row) =>
              shares[row]?.some((share) => share > 0) === true && (
                <tr key={from}>
                  <th scope="row">{from}</th>
                  {classes.map((to, column) => (
                    <MatrixCell
                      key={to}
                      share={shares[row]?.[column] ?? 0}
                      most={most}
                      isSame={from === to}
                    />
                  ))}
                </tr>
              ),
          )}
        </tbody>
      </ScrolledTable>
    </div>
  );
}

type MatrixCellProps = { readonly share: number; readonly most: number; readonly isSame: boolean };

/** Steps of a cell's colour. */
const tints = 5;

const MatrixCell = ({ share, most, isSame }: MatrixCellProps) => (
  <td data-tint={share === 0 ? 0 : Math.ceil((tints * share) / most)} data-same={isSame}>
    {share === 0 ? '' : (100 * share).toFixed(share < 0.0995 ? 1 : 0)}
  </td>
);
