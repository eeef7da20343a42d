import type { ClassReport } from '@umbra/shared/contracts/report';
import { enoughWords, formatNumber } from '../lib/report-words.js';

type RunningMeanProps = Pick<ClassReport, 'running' | 'enough'>;

const [width, height, room] = [160, 44, 3];

/** The mean after more and more images, with its interval, and how many would have done. */
export function RunningMean({ running, enough }: RunningMeanProps) {
  const [first, last] = [running[0], running.at(-1)];
  if (first === undefined || last === undefined || first === last) return null;
  const low = Math.min(...running.map(({ mean, halfWidth }) => mean - halfWidth));
  const high = Math.max(...running.map(({ mean, halfWidth }) => mean + halfWidth));
  const span = Math.log(last.images / first.images);
  const x = (images: number) => (Math.log(images / first.images) / span) * width;
  const y = (value: number) => room + ((high - value) / (high - low || 1)) * (height - 2 * room);
  const line = running.map(({ images, mean }) => `${x(images)},${y(mean)}`).join(' ');
  const upper = running.map(({ images, mean, halfWidth }) => `${x(images)},${y(mean + halfWidth)}`);
  const lower = running.map(({ images, mean, halfWidth }) => `${x(images)},${y(mean - halfWidth)}`);
  const words = `Mean drop after ${first.images} to ${last.images.toLocaleString('en')} images: ${formatNumber(last.mean)}, give or take ${formatNumber(last.halfWidth)} at the end; ${enoughWords({ running, enough })}, for ${formatNumber(enough.tolerance)}.`;
  return (
    <svg
      className="running"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={words}
    >
      <polygon className="running-band" points={[...upper, ...lower.toReversed()].join(' ')} />
      {enough.images !== null && (
        <line
          className="running-enough"
          {...{ x1: x(enough.images), x2: x(enough.images) }}
          y1={0}
          y2={height}
        />
      )}
      <polyline className="running-line" points={line} />
    </svg>
  );
}
