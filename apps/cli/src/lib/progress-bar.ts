import { drawLine, isLive } from './terminal.js';

export type BarProgress = {
  readonly done: number;
  readonly total: number;
  /** Pace of late; measured here where it is left out, null where it is not known. */
  readonly perSecond?: number | null;
  /** As `perSecond`. */
  readonly etaSeconds?: number | null;
};

export type ProgressBar = {
  update(progress: BarProgress): void;
  end(): void;
};

const width = 30;
/** The pace is that of so long. */
const windowMs = 10_000;
const sampleMs = 100;
const minMeasuredMs = 500;

/**
 * A bar with pace and remaining time on a terminal; elsewhere one line each tenth, so that logs stay
 * short.
 */
export function createProgressBar(
  label: string,
  out: NodeJS.WriteStream = process.stderr,
  now: () => number = () => performance.now(),
): ProgressBar {
  const live = isLive(out);
  const measure = createMeter(now);
  let lastTenth = -1;
  let drawn = false;
  return {
    update(progress) {
      const { done, total } = progress;
      const share = total === 0 ? 0 : Math.min(1, done / total);
      const measured = measure(done, total);
      const text = `${label} ${bar(share)} ${done}/${total}${describePace(progress, measured)}`;
      if (live) {
        drawLine(out, text);
        drawn = true;
      } else if (Math.floor(share * 10) > lastTenth) {
        lastTenth = Math.floor(share * 10);
        out.write(`${text}\n`);
      }
    },
    end() {
      if (drawn) out.write('\n');
    },
  };
}

type Pace = { readonly perSecond: number | null; readonly etaSeconds: number | null };

/** The pace of the last seconds; null until there is something to measure. */
function createMeter(now: () => number): (done: number, total: number) => Pace {
  let samples: { readonly at: number; readonly done: number }[] = [];
  return (done, total) => {
    const at = now();
    const last = samples.at(-1);
    if (last === undefined || at - last.at >= sampleMs) {
      samples = [...samples.filter((one) => at - one.at <= windowMs), { at, done }];
    }
    const [first = { at, done }] = samples;
    const ms = at - first.at;
    if (ms < minMeasuredMs || done <= first.done) return { perSecond: null, etaSeconds: null };
    const perSecond = ((done - first.done) * 1000) / ms;
    return { perSecond, etaSeconds: (total - done) / perSecond };
  };
}

function bar(share: number): string {
  const filled = Math.round(share * width);
  return `[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${String(Math.round(share * 100)).padStart(3)}%`;
}

function describePace(progress: BarProgress, measured: Pace): string {
  const { done, total } = progress;
  const { perSecond, etaSeconds } = { ...measured, ...progress };
  const pace = perSecond === null ? '' : `, ${formatPace(perSecond)}/s`;
  if (done >= total) return pace;
  return `${pace}, ${etaSeconds === null ? 'time left unknown' : `${formatTime(etaSeconds)} left`}`;
}

/** Three digits at most, where there are not more before the point. */
export const formatPace = (perSecond: number): string =>
  perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond));

/** `1:05`, or `2:01:05` from an hour on. */
export function formatTime(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = String(whole % 60).padStart(2, '0');
  return hours === 0
    ? `${minutes}:${rest}`
    : `${hours}:${String(minutes).padStart(2, '0')}:${rest}`;
}
