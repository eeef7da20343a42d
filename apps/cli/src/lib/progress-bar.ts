export type ProgressBar = {
  update(done: number, total: number, etaSeconds: number | null): void;
  end(): void;
};

const width = 30;

/**
 * A bar with a remaining time on a terminal; elsewhere one line each tenth, so that logs stay short.
 */
export function createProgressBar(
  label: string,
  out: NodeJS.WriteStream = process.stderr,
): ProgressBar {
  let lastTenth = -1;
  let drawn = false;
  return {
    update(done, total, etaSeconds) {
      const share = total === 0 ? 0 : Math.min(1, done / total);
      const text = `${label} ${bar(share)} ${done}/${total}${eta(etaSeconds)}`;
      if (out.isTTY) {
        out.write(`\r\u001b[2K${text}`);
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

function bar(share: number): string {
  const filled = Math.round(share * width);
  return `[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${String(Math.round(share * 100)).padStart(3)}%`;
}

function eta(seconds: number | null): string {
  if (seconds === null) return '';
  const whole = Math.ceil(seconds);
  return `, ${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')} left`;
}
