/** Multiply-adds in words, such as `145 M` or `17.6 G`; `not known` where some are not counted. */
export function formatMacs(macs: number | null): string {
  if (macs === null) return 'not known';
  if (macs < 1e6) return `${(macs / 1e3).toFixed(0)} k`;
  return macs < 1e9 ? `${(macs / 1e6).toFixed(0)} M` : `${(macs / 1e9).toFixed(1)} G`;
}
