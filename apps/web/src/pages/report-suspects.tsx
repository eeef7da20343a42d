import type { JobReport, Suspect } from '../api/reports.js';
import { has } from '../api/source.js';
import { formatNumber } from '../lib/report-words.js';
import {
  ImageLink,
  lastName,
  More,
  Nothing,
  ReportSection,
  SmallPicture,
  thumbnailPath,
} from '../parts/report-section.js';

/** Images from which on a class is known well enough for it, as [defined](docs/report.md#suspects). */
const minImages = 10;

/** Images whose evidence is unlike that of their class. */
export const ReportSuspects = ({ report }: { readonly report: JobReport }) => (
  <ReportSection
    id="suspects"
    title="Suspects"
    explain="Images that rest on other evidence than the rest of their class, the most unlike first: a wrong label, a shortcut, or a photo of something else."
  >
    {report.suspects.length === 0 ? (
      <Nothing>
        {report.classes.some(({ images }) => images >= minImages)
          ? 'No image’s evidence is unlike that of its class.'
          : `No class has the ${minImages} images that it takes to tell which are unlike it.`}
      </Nothing>
    ) : (
      <More items={report.suspects} step={9} noun="suspects">
        {(shown) => (
          <ol className="suspects">
            {shown.map((suspect) => (
              <SuspectCard key={suspect.id} suspect={suspect} job={report.job} />
            ))}
          </ol>
        )}
      </More>
    )}
  </ReportSection>
);

type SuspectProps = { readonly suspect: Suspect; readonly job: string };

function SuspectCard({ suspect, job }: SuspectProps) {
  const { id, name, label, predicted, drop, distance, z, reasons } = suspect;
  const of = { job, image: id };
  return (
    <li className="suspect">
      {has(thumbnailPath(of)) && (
        <ImageLink of={of} className="suspect-picture">
          <SmallPicture path={thumbnailPath(of)} alt={`Map of ${lastName(name)}`} />
        </ImageLink>
      )}
      <div className="suspect-words">
        <h3>
          <ImageLink of={of}>{lastName(name)}</ImageLink>
        </h3>
        <p className="note">
          {label === null
            ? `predicted ${predicted.label}`
            : `${label}, predicted ${predicted.label}`}
        </p>
        <dl className="facts">
          <div>
            <dt>z</dt>
            <dd>{formatNumber(z)}</dd>
          </div>
          <div>
            <dt>distance</dt>
            <dd>{formatNumber(distance)}</dd>
          </div>
          <div>
            <dt>drop</dt>
            <dd>{formatNumber(drop)}</dd>
          </div>
        </dl>
        <ul className="reasons">
          {reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      </div>
    </li>
  );
}
