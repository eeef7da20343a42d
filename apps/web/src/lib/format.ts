/**
 * Write a float32 in the fewest digits that read back as the same number: what is shown is what the file
 * has.
 */
export function formatFloat32(value: number): string {
  if (!Number.isFinite(value)) return '–';
  for (let digits = 1; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return tidy(Number(text));
  }
  return tidy(Number(value.toPrecision(9)));
}

/** A difference, with its sign, in three significant digits. */
export function formatDrop(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text =
    size >= 0.001 && size < 10_000 ? trimZeros(size.toPrecision(3)) : size.toExponential(1);
  return (value > 0 ? '+' : '\u2212') + text;
}

export const formatPercent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** `12 s`, `3 min`, `1 h 20 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [value, unit] =
    bytes < 1024 ** 2
      ? [bytes / 1024, 'KiB']
      : bytes < 1024 ** 3
        ? [bytes / 1024 ** 2, 'MiB']
        : [bytes / 1024 ** 3, 'GiB'];
  return `${value.toFixed(1)} ${unit}`;
}

/** `1 photo`, `2 photos`. */
export const formatCount = (count: number, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;

const times = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
export const formatTime = (iso: string): string => times.format(new Date(iso));

const tidy = (value: number): string => {
  const size = Math.abs(value);
  // Not JavaScript's own way of small numbers, which is not even.
  return size !== 0 && (size < 1e-6 || size >= 1e9) ? value.toExponential() : String(value);
};

const trimZeros = (text: string): string =>
  text.includes('.') ? text.replace(/\.?0+$/, '') : text;
