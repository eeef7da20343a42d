import type { Estimate } from '@umbra/shared/contracts/report';

/** Ends of a scale that several rows share. */
export type AxisSpan = { readonly from: number; readonly to: number };

/** The span of all intervals and 0, with a little room at its ends. */
export function spanOf(estimates: readonly Estimate[]): AxisSpan {
  const from = Math.min(0, ...estimates.map(({ low }) => low));
  const to = Math.max(0, ...estimates.map(({ high }) => high));
  const room = (to - from) * 0.04 || 1;
  return { from: from < 0 ? from - room : 0, to: to + room };
}

const percentIn = (value: number, { from, to }: AxisSpan): number =>
  100 * Math.min(1, Math.max(0, (value - from) / (to - from)));

export type IntervalProps = {
  readonly estimate: Estimate;
  readonly span: AxisSpan;
  /** Marks a place of the scale, such as where nothing differs. */
  readonly mark?: number;
  readonly tone?: 'strong' | 'pale';
};

/** A mean as a dot, and its interval as a line. What it says stands beside it as text. */
export function Interval({ estimate, span, mark, tone = 'strong' }: IntervalProps) {
  const { mean, low, high } = estimate;
  const left = percentIn(low, span);
  return (
    <span className="interval" data-tone={tone} aria-hidden="true">
      {mark !== undefined && (
        <span className="interval-mark" style={{ left: `${percentIn(mark, span)}%` }} />
      )}
      <span
        className="interval-line"
        style={{ left: `${left}%`, width: `${percentIn(high, span) - left}%` }}
      />
      <span className="interval-dot" style={{ left: `${percentIn(mean, span)}%` }} />
    </span>
  );
}
