import { formatPoints, formatShare } from '../lib/report-words.js';
import type { TrialBar } from '../lib/trial-words.js';
import { ScrolledTable } from '../parts/report-section.js';

/** Shares before and after, each as a bar, with the interval of what changed. */
export const BeforeAfter = ({ bars }: { readonly bars: readonly TrialBar[] }) => (
  <ScrolledTable label="Before and after" className="bars">
    <thead>
      <tr>
        <th scope="col">What was done</th>
        <td className="bars-chart" />
        <th scope="col" className="figure">
          Points
        </th>
        <th scope="col" className="figure">
          Before
        </th>
        <th scope="col" className="figure">
          After
        </th>
      </tr>
    </thead>
    <tbody>
      {bars.map((bar) => (
        <BarRow key={bar.name} bar={bar} />
      ))}
    </tbody>
  </ScrolledTable>
);

function BarRow({ bar }: { readonly bar: TrialBar }) {
  const { name, measure, images, before, after, difference } = bar;
  const percentOf = (share: number) => 100 * Math.min(1, Math.max(0, share));
  const [low, high] = [percentOf(before + difference.low), percentOf(before + difference.high)];
  return (
    <tr>
      <th scope="row" className="bars-what">
        <span className="bars-name">{name}</span>
        <span className="note">
          {measure}, n {images.toLocaleString('en')}
        </span>
      </th>
      <td className="bars-chart">
        <span className="bars-track" aria-hidden="true">
          <span
            className="bars-bar"
            data-when="before"
            style={{ width: `${percentOf(before)}%` }}
          />
        </span>
        <span className="bars-track" aria-hidden="true">
          <span className="bars-bar" data-when="after" style={{ width: `${percentOf(after)}%` }} />
          <span className="bars-interval" style={{ left: `${low}%`, width: `${high - low}%` }} />
        </span>
      </td>
      <td className="figure">
        <strong>{formatPoints(difference.mean)}</strong>
        <span className="note bars-range">
          [{formatPoints(difference.low)}, {formatPoints(difference.high)}]
        </span>
      </td>
      <td className="figure">{formatShare(before)}</td>
      <td className="figure">{formatShare(after)}</td>
    </tr>
  );
}
