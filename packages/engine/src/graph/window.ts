/** Half-open range of indices along one axis. */
export type Range = { readonly start: number; readonly end: number };

/**
 * How one axis of a convolution or pooling slides: output `o` reads the inputs
 * `o * stride - padBegin + i * dilation` for `i` in `[0, kernel)`.
 */
export type AxisWindow = {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padBegin: number;
  readonly padEnd: number;
  /** The last window may start before the end and reach beyond the padding. */
  readonly ceil: boolean;
};

/** Inputs that one output spans. */
export const spanOf = ({ kernel, dilation }: AxisWindow): number => (kernel - 1) * dilation + 1;

/** Outputs along an axis of `extent` inputs; 0 if none fit. */
export function outputExtent(window: AxisWindow, extent: number): number {
  const { stride, padBegin, padEnd, ceil } = window;
  const steps = (extent + padBegin + padEnd - spanOf(window)) / stride;
  return steps < 0 ? 0 : (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
}

/** Whether the last window would lie in the padding alone: runtimes do not agree on counting it. */
export const endsInPadding = (window: AxisWindow, extent: number): boolean =>
  (outputExtent(window, extent) - 1) * window.stride >= extent + window.padBegin;

/** Inputs that a range of outputs reads; may reach beyond the map, into the padding. */
export function inputRange(window: AxisWindow, { start, end }: Range): Range {
  const first = start * window.stride - window.padBegin;
  const last = (end - 1) * window.stride - window.padBegin;
  return { start: first, end: last + spanOf(window) };
}

/** Outputs that read any of a range of inputs, within `[0, outputs)`. */
export function outputRange(window: AxisWindow, { start, end }: Range, outputs: number): Range {
  const first = Math.ceil((start + window.padBegin - spanOf(window) + 1) / window.stride);
  const last = Math.floor((end - 1 + window.padBegin) / window.stride);
  const from = Math.min(Math.max(0, first), outputs);
  return { start: from, end: Math.max(from, Math.min(last + 1, outputs)) };
}

/** The smallest range that holds both. */
export const unionOf = (a: Range, b: Range): Range => ({
  start: Math.min(a.start, b.start),
  end: Math.max(a.end, b.end),
});
