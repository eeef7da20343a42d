import type { JobReport, ReportMetric } from '../api/reports.js';
import { formatCount } from '../lib/format.js';
import { findingsOf, metricWords } from '../lib/report-words.js';
import { ReportSection } from '../parts/report-section.js';

const metricOrder: readonly ReportMetric[] = [
  ...(['images', 'accuracy', 'drop', 'flipped', 'significant-classes'] as const),
  ...(['off-object', 'border', 'off-object-cluster', 'unstable', 'suspects'] as const),
];

/** What the report comes to, in sentences and in numbers. */
export const ReportSummary = ({ report }: { readonly report: JobReport }) => (
  <ReportSection
    id="summary"
    title="Summary"
    explain={
      <>
        What covering parts of {formatCount(report.images.read, 'image')} shows about the whole
        dataset, by {report.groupBy === 'label' ? 'the class of the label' : 'the predicted class'}.
      </>
    }
  >
    <Findings report={report} />
    <dl className="metrics">
      {metricOrder.map((name) => (
        <Metric key={name} name={name} value={report.metrics[name]} />
      ))}
    </dl>
    {report.notes.length > 0 && (
      <div className="report-notes">
        <h3>To know of these numbers</h3>
        <ul>
          {report.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      </div>
    )}
  </ReportSection>
);

function Findings({ report }: { readonly report: JobReport }) {
  const findings = findingsOf(report);
  if (findings.length === 0) return null;
  return (
    <ul className="findings">
      {findings.map(({ kind, text, anchor }) => (
        <li key={text} className="finding" data-kind={kind}>
          <span
            className="finding-mark"
            role="img"
            aria-label={kind === 'alarm' ? 'Look here' : 'Note'}
          >
            {kind === 'alarm' ? '!' : '·'}
          </span>
          <span>
            {text} <a href={`#${anchor}`}>See</a>
          </span>
        </li>
      ))}
    </ul>
  );
}

type MetricProps = { readonly name: ReportMetric; readonly value: number | null };

function Metric({ name, value }: MetricProps) {
  const words = metricWords[name];
  return (
    <div className="metric">
      <dt>{words.name}</dt>
      <dd>
        <span className="metric-value">{value === null ? '–' : words.format(value)}</span>
        <span className="note">{value === null ? words.missing : words.meaning}</span>
      </dd>
    </div>
  );
}
