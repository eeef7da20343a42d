import type { JobReport } from '@umbra/shared/contracts/report';
import { formatCount } from '../lib/format.js';
import { formatNumber } from '../lib/report-words.js';

type AgreementHistogramProps = Pick<
  NonNullable<JobReport['trust']['agreement']>,
  'histogram' | 'threshold'
>;

/** How many images agree how well, from -1 to 1; those below the threshold are hatched. */
export function AgreementHistogram({ histogram, threshold }: AgreementHistogramProps) {
  const most = Math.max(1, ...histogram);
  const startOf = (bin: number) => (2 * bin - histogram.length) / histogram.length;
  const wordsOf = (images: number, bin: number) =>
    `${formatCount(images, 'image')} from ${formatNumber(startOf(bin))} to ${formatNumber(startOf(bin + 1))}`;
  const known = histogram.map(wordsOf).filter((_, bin) => histogram[bin] !== 0);
  return (
    <div className="histogram" role="img" aria-label={`Images by agreement: ${known.join(', ')}`}>
      <div className="histogram-bars">
        {histogram.map((images, bin) => (
          <span key={startOf(bin)} className="histogram-bin" title={wordsOf(images, bin)}>
            {images > 0 && (
              <span
                className="histogram-bar"
                data-part={startOf(bin) < threshold ? 'unstable' : 'stable'}
                style={{ height: `${(100 * images) / most}%` }}
              />
            )}
          </span>
        ))}
      </div>
      <div className="histogram-axis">
        {[-1, 0, threshold, 1].map((value) => (
          <span key={value} className="histogram-tick" style={{ left: `${50 + 50 * value}%` }}>
            {formatNumber(value)}
          </span>
        ))}
      </div>
    </div>
  );
}
