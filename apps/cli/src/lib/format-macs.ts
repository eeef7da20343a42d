/** Multiply-adds in words, such as `146 M` or `17.6 G`; `not known` where some are not counted. */
export function formatMacs(macs: number | null): string {
  if (macs === null) return 'not known';
  return macs < 1e9 ? `${(macs / 1e6).toFixed(0)} M` : `${(macs / 1e9).toFixed(1)} G`;
}
